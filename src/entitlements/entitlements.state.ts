import type { StatePart } from '../mailbox/state.js';
import { entitlementOf, type MembershipRow, membershipOf } from './entitlement.js';

/** A user's membership with the plan's capabilities, as json, for the user whose id is `user`; null when there is none. */
export const membershipSql = (user: string): string =>
  `SELECT json_build_object('version', m.version, 'status', m.status, 'planId', m.plan_id, 'planned', p.capabilities,
      'effectiveAt', iso(m.effective_at), 'cancelAt', iso(m.cancel_at), 'reason', m.reason)
    FROM membership m LEFT JOIN plan p USING (plan_id) WHERE m.user_id = ${user}`;

/** `membership` and `entitlement` of the state. */
export const entitlementsState: StatePart = {
  name: 'membership',
  sql: membershipSql('u.user_id'),
  present: (raw, { userId, now }) => ({
    membership: membershipOf(raw as MembershipRow),
    entitlement: entitlementOf(userId, raw as MembershipRow, now),
  }),
};
