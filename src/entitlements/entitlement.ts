import type { Capabilities, Status } from '../membership/membership.js';
import { toMembershipView, type MembershipRow } from '../membership/membership-view.js';

/** What the user may do now (CONTRACT §3). */
export interface Entitlement {
  readonly userId: string;
  readonly version: number;
  readonly status: Status;
  readonly planId: string | null;
  readonly capabilities: Capabilities;
  readonly checkedAt: string;
}

/** What follows from the membership at the instant of the check. */
export function entitlementOf(userId: string, row: MembershipRow, checkedAt: string): Entitlement {
  const { version, status, planId, capabilities } = toMembershipView(row, checkedAt);
  return { userId, version, status, planId, capabilities, checkedAt };
}
