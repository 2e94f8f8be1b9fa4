import { named } from '../platform/postgres/statement.js';
import type { UserErasure } from '../platform/retention/user-erasure.js';

/** Which campaigns the person got. The address goes with the member of whom it was claimed. */
export const campaignErasure: UserErasure = {
  statements: [
    named(
      'erase-campaign-addresses',
      `DELETE FROM campaign_address a USING campaign_member m
       WHERE m.user_id = $1 AND m.reason IS DISTINCT FROM 'duplicate_address' AND a.campaign = m.campaign AND a.address_hash = m.address_hash`,
    ),
    named('erase-campaign-members', 'DELETE FROM campaign_member WHERE user_id = $1'),
  ],
};
