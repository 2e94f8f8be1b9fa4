import { type Action, type Capabilities, capabilitiesOf, type Status, statusAt } from './membership.js';

/** A membership with its plan's capabilities, as `membershipSql` gives it; null when the user never had one. */
export type MembershipRow = {
  readonly version: number;
  readonly status: Status;
  readonly planId: string | null;
  readonly planned: Capabilities | null;
  readonly effectiveAt: string;
  readonly cancelAt: string | null;
  readonly endsAt: string | null;
  readonly reason: string;
  readonly pendingChange?: PendingChange | null;
} | null;

/** A change that the user asked for and the processor did not answer yet. */
export interface PendingChange {
  readonly action: Action;
  readonly planId?: string;
  readonly since: string;
}

/** A membership as the state, the answer to a change and the entitlement show it. */
export interface MembershipView {
  readonly version: number;
  readonly status: Status;
  readonly planId: string | null;
  readonly capabilities: Capabilities;
  readonly effectiveAt?: string;
  readonly cancelAt?: string;
  readonly reason?: string;
  readonly pendingChange?: PendingChange;
}

/** The membership as it is at that instant: what has ended has ended, whether or not its next version was made yet. */
export function toMembershipView(row: MembershipRow, now: string): MembershipView {
  if (!row) return { version: 0, status: 'none', planId: null, capabilities: capabilitiesOf('none', null) };
  const { version, planId, planned, cancelAt, endsAt, reason, pendingChange } = row;
  const status = endsAt === null ? row.status : statusAt(row.status, new Date(endsAt), new Date(now));
  const isOver = status !== row.status;
  return {
    version,
    status,
    planId,
    capabilities: capabilitiesOf(status, planned),
    effectiveAt: isOver && endsAt !== null ? endsAt : row.effectiveAt,
    ...(cancelAt !== null && !isOver && { cancelAt }),
    reason: isOver ? 'scheduled_end' : reason,
    ...(pendingChange && { pendingChange }),
  };
}
