import { Topic } from '../platform/events/topic.js';
import type { Transaction } from '../platform/postgres/database.js';
import type { Capabilities, Status } from './membership.js';

/** A new version of a user's membership. */
export interface MembershipVersion {
  readonly userId: string;
  readonly version: number;
  readonly status: Status;
  readonly capabilities: Capabilities;
  /** Undefined for the user's first membership. */
  readonly before: { readonly status: Status } | undefined;
}

/**
 * Published when a version was saved in the transaction `tx`, before its commit: what a listener writes with `tx` is committed together
 * with the version, or not at all. A listener that throws rolls both back.
 */
export const membershipChanged = new Topic<{ readonly tx: Transaction; readonly version: MembershipVersion }>(
  'membership.changed',
);
