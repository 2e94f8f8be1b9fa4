import type { StatePart } from '../mailbox/state.js';
import { membershipOf, type MembershipRow, membershipStateSql } from '../membership/shown.js';
import { entitlementOf } from './entitlement.js';

/** `membership` and `entitlement` of the state. */
export const entitlementsState: StatePart = {
  name: 'membership',
  sql: membershipStateSql('u.user_id'),
  present: (raw, { userId, now }) => ({
    membership: membershipOf(raw as MembershipRow, now),
    entitlement: entitlementOf(userId, raw as MembershipRow, now),
  }),
};
