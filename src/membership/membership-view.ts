import { type Action, type Capabilities, capabilitiesOf, type Status, statusAt } from './membership.js';

/** A row of `membershipSql` (membership.fragments.ts): a membership with its plan's capabilities. Null when the user never had one. */
export type MembershipRow = {
  readonly version: number;
  readonly status: Status;
  readonly planId: string | null;
  readonly planCapabilities: Capabilities | null;
  readonly effectiveAt: string;
  readonly cancelAt: string | null;
  readonly endsAt: string | null;
  readonly reason: string;
  readonly pendingChange?: PendingChange | null;
} | null;

/** A change that the user asked for and the processor has not confirmed yet. */
export interface PendingChange {
  readonly action: Action;
  readonly planId?: string;
  readonly since: string;
}

/** A membership as clients see it: in the state, in the response to a change, and in the entitlement. */
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

/** The membership at `now` (ISO 8601). One whose end has passed is shown as canceled, whether or not that version was saved yet. */
export function toMembershipView(row: MembershipRow, now: string): MembershipView {
  if (!row) return { version: 0, status: 'none', planId: null, capabilities: capabilitiesOf('none', null) };
  const { version, planId, planCapabilities, cancelAt, endsAt, reason, pendingChange } = row;
  const status = endsAt === null ? row.status : statusAt(row.status, new Date(endsAt), new Date(now));
  const isOver = status !== row.status;
  return {
    version,
    status,
    planId,
    capabilities: capabilitiesOf(status, planCapabilities),
    effectiveAt: isOver && endsAt !== null ? endsAt : row.effectiveAt,
    ...(cancelAt !== null && !isOver && { cancelAt }),
    reason: isOver ? 'scheduled_end' : reason,
    ...(pendingChange && { pendingChange }),
  };
}
