import type { StatePart } from '../mailbox/state/state.js';
import { membershipStateSql } from '../membership/membership.fragments.js';
import { toMembershipView, type MembershipRow } from '../membership/membership-view.js';
import { entitlementOf } from './entitlement.js';

/** `membership` and `entitlement` of the state. */
export const entitlementsState: StatePart = {
  name: 'membership',
  sql: membershipStateSql('u.user_id'),
  toFields: (raw, { userId, now }) => ({
    membership: toMembershipView(raw as MembershipRow, now),
    entitlement: entitlementOf(userId, raw as MembershipRow, now),
  }),
};
