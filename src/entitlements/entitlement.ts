import { type Capabilities, capabilitiesOf, type Status } from '../membership/membership.js';

/** A membership row with its plan's capabilities, as MEMBERSHIP_SQL gives it; null when the user never had one. */
export type MembershipRow = {
  readonly version: number;
  readonly status: Status;
  readonly planId: string | null;
  readonly planned: Capabilities | null;
  readonly effectiveAt: string;
  readonly cancelAt: string | null;
  readonly reason: string;
} | null;

/** What the user may do now (CONTRACT §3). */
export interface Entitlement {
  readonly userId: string;
  readonly version: number;
  readonly status: Status;
  readonly planId: string | null;
  readonly capabilities: Capabilities;
  readonly checkedAt: string;
}

export function entitlementOf(userId: string, row: MembershipRow, checkedAt: string): Entitlement {
  const { version, status, planId, capabilities } = membershipOf(row);
  return { userId, version, status, planId, capabilities, checkedAt };
}

/** The membership as the state and `membership.changed` show it. */
export function membershipOf(row: MembershipRow) {
  if (!row)
    return { version: 0, status: 'none' as Status, planId: null, capabilities: capabilitiesOf('none', null) };
  const { version, status, planId, planned, effectiveAt, cancelAt, reason } = row;
  const capabilities = capabilitiesOf(status, planned);
  return {
    version,
    status,
    planId,
    capabilities,
    effectiveAt,
    ...(cancelAt !== null && { cancelAt }),
    reason,
  };
}
