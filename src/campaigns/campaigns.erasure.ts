import { named } from '../platform/postgres/statement.js';
import type { UserErasure } from '../platform/retention/user-erasure.js';

/** Which campaigns the person got, and which looked at them last. The address goes with the member of whom it was claimed. */
export const campaignErasure: UserErasure = {
  statements: [
    named(
      'erase-campaign-addresses',
      `DELETE FROM campaign_address a USING campaign_member m
       WHERE m.user_id = $1 AND m.reason IS DISTINCT FROM 'duplicate_address' AND a.campaign = m.campaign AND a.address_hash = m.address_hash`,
    ),
    named('erase-campaign-members', 'DELETE FROM campaign_member WHERE user_id = $1'),
    // The last member before them: nobody is between the two who would be looked at twice and counted as a duplicate.
    named(
      'erase-campaign-progress',
      `UPDATE campaign_progress p SET found_up_to = CASE WHEN p.is_done THEN '' ELSE coalesce(
         (SELECT max(m.user_id) FROM campaign_member m WHERE m.campaign = p.campaign AND m.user_id < $1), '') END
       WHERE p.found_up_to = $1`,
    ),
  ],
};
