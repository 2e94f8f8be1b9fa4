import { named } from '../platform/postgres/statement.js';
import type { UserErasure } from '../platform/retention/user-erasure.js';

/** What the user did. The roll-ups name nobody. */
export const engagementErasure: UserErasure = {
  statements: [named('erase-engagement', 'DELETE FROM engagement_event WHERE user_id = $1')],
};
