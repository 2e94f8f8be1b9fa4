import type { NewEvent } from '../events/event.js';
import type { Position } from '../position.js';

/**
 * What a feature contributes to a user's state. All parts are columns of one statement, so they and the position are read in one
 * snapshot. Bound in app.module.ts, since the mailbox must not import features.
 */
export interface StatePart {
  /** The name of the column. */
  readonly name: string;
  /** A scalar subquery that returns json for the user `u.user_id`. */
  readonly sql: string;
  /** Returns the fields of the state, made of what `sql` returned. `now` is PostgreSQL's time of the statement, ISO 8601. */
  toFields(raw: unknown, context: { userId: string; now: string }): Record<string, unknown>;
  /** What changed while a device was not connected, if routine events announce it: a replay contains only durable events. */
  readonly recent?: RecentState;
}

/** Changes that a reconnecting device is sent as routine events. */
export interface RecentState {
  /** A scalar subquery that returns json: the user `r."userId"`'s changes since `r.since`, but for those by the device `r."deviceId"`. */
  readonly sql: string;
  /** Returns the routine events that announce what `sql` returned. */
  events(raw: unknown, userId: string): readonly NewEvent[];
}

/** Injection token of the list of StatePart. */
export const STATE_PARTS = Symbol('STATE_PARTS');

/** A user's state, as `GET /v1/me/state` and the frame `snapshot` contain it, with the fields that features add. */
export interface State extends Record<string, unknown> {
  /** Up to where `entries` go: the newest position, or that of the last entry if there are more. */
  readonly position: Position;
  readonly hasMore: boolean;
  readonly entries: readonly unknown[];
}

/** A state and the newest position of its mailbox, read at one instant. */
export interface StateRead {
  readonly head: Position;
  readonly state: State;
}
