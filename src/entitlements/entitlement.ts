import type { Capabilities, Status } from '../membership/membership.js';
import { toMembershipView, type MembershipRow } from '../membership/membership-view.js';

/** What the user may do now, as `GET /v1/users/{userId}/entitlement` returns it (docs/CONTRACT.md). */
export interface Entitlement {
  readonly userId: string;
  /** The version of the membership that it follows from; 0 when the user never had one. */
  readonly version: number;
  readonly status: Status;
  readonly planId: string | null;
  readonly capabilities: Capabilities;
  /** The database's time at the check, ISO 8601. */
  readonly checkedAt: string;
}

/** The entitlement that follows from a membership at `checkedAt` (ISO 8601). */
export function toEntitlement(userId: string, row: MembershipRow, checkedAt: string): Entitlement {
  const { version, status, planId, capabilities } = toMembershipView(row, checkedAt);
  return { userId, version, status, planId, capabilities, checkedAt };
}
