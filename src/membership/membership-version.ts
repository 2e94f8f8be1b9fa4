import { Topic } from '../platform/events/topic.js';
import type { Transaction } from '../platform/postgres/database.js';
import type { Capabilities, Status } from './membership.js';

/** A new version of a user's membership; `before` is undefined for the first. */
export interface MembershipVersion {
  readonly userId: string;
  readonly version: number;
  readonly status: Status;
  readonly capabilities: Capabilities;
  readonly before: { readonly status: Status } | undefined;
}

/**
 * A new version was written, in the transaction `tx`, which is not committed yet: what a listener writes with `tx` is committed with
 * the version, or not at all. A listener that throws rolls both back.
 */
export const membershipChanged = new Topic<{ readonly tx: Transaction; readonly version: MembershipVersion }>(
  'membership.changed',
);
