import type { StatePart } from '../mailbox/state/state.js';
import { membershipStateSql } from '../membership/membership.fragments.js';
import { toMembershipView, type MembershipRow } from '../membership/membership-view.js';
import { toEntitlement } from './entitlement.js';

/** The sections `membership` and `entitlement` of the state that devices load. */
export const entitlementsState: StatePart = {
  name: 'membership',
  sql: membershipStateSql('u.user_id'),
  toFields: (raw, { userId, now }) => ({
    membership: toMembershipView(raw as MembershipRow, now),
    entitlement: toEntitlement(userId, raw as MembershipRow, now),
  }),
};
