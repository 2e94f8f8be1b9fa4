import { named } from '../platform/postgres/statement.js';
import type { UserErasure } from '../platform/retention/user-erasure.js';
import { userLock } from './membership.fragments.js';

/**
 * Of a webhook only its id stays, so that one which comes again is known and changes nothing. The user's are found by the user, and those
 * that wait by the customers that the user is. The lock is the one that whoever saves a membership takes.
 */
export const membershipErasure: UserErasure = {
  statements: [
    named('erase-lock', `SELECT ${userLock('$1::text')}`),
    named(
      'erase-webhooks',
      `UPDATE webhook SET user_id = NULL, payload = NULL, waiting_for = '{}', status = 'ignored', reason = 'user_erased',
         settled_at = coalesce(settled_at, now())
       WHERE (processor, event_id) IN (
         SELECT processor, event_id FROM webhook WHERE user_id = $1
         UNION
         SELECT processor, event_id FROM webhook WHERE status = 'waiting' AND waiting_for && ARRAY(
           SELECT 'customer:' || processor || ':' || customer_id FROM processor_link WHERE user_id = $1
           UNION ALL
           SELECT 'customer:' || processor || ':' || customer_id FROM subscription WHERE user_id = $1
           UNION ALL
           SELECT 'subscription:' || subscription_id FROM subscription WHERE user_id = $1))`,
    ),
    named('erase-links', 'DELETE FROM processor_link WHERE user_id = $1'),
    named(
      'erase-subscriptions',
      `WITH erased AS (DELETE FROM subscription WHERE user_id = $1 RETURNING processor, subscription_id)
       DELETE FROM subscription_owner o USING erased e
       WHERE o.processor = e.processor AND o.subscription_id = e.subscription_id`,
    ),
    named('erase-changes', 'DELETE FROM membership_change WHERE user_id = $1'),
    named('erase-membership', 'DELETE FROM membership WHERE user_id = $1'),
    named('erase-history', 'DELETE FROM membership_history WHERE user_id = $1'),
  ],
};
