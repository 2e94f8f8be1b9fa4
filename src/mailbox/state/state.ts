import type { NewEvent } from '../events/event.js';

/**
 * A room's share of a user's state. All shares are read in one statement, so they and the position are of one moment.
 * A port because every story room has one; app.module.ts binds them.
 */
export interface StatePart {
  /** Names the column. */
  readonly name: string;
  /** A scalar subquery that gives json for the user `u.user_id`. */
  readonly sql: string;
  /** The fields of the state that follow from it. `now` is PostgreSQL's clock in the statement. */
  present(raw: unknown, of: { userId: string; now: string }): Record<string, unknown>;
  /** The part's routine state that changed while a device was away: a replay holds only durable events. */
  readonly recent?: RecentState;
}

export interface RecentState {
  /** A scalar subquery that gives json for the user `r."userId"`, without what `r."deviceId"` itself said, since `r.since`. */
  readonly sql: string;
  /** The routine events that tell it. */
  events(raw: unknown, userId: string): readonly NewEvent[];
}

export const STATE_PARTS = Symbol('STATE_PARTS');

/** What `/v1/me/state` and the `snapshot` frame hold beside what the rooms add. */
export interface State extends Record<string, unknown> {
  readonly position: { readonly epoch: string; readonly offset: number };
  readonly entries: readonly unknown[];
}
