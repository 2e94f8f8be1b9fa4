import { named } from '../../platform/postgres/statement.js';
import type { UserErasure } from '../../platform/retention/user-erasure.js';

/** How far the user's events got. */
export const receiptErasure: UserErasure = {
  statements: [named('erase-receipts', 'DELETE FROM receipt WHERE user_id = $1')],
};
