import { named } from '../../platform/postgres/statement.js';
import type { UserErasure } from '../../platform/retention/user-erasure.js';

/** What was pushed, and what is queued. One that a worker is sending at this moment may still arrive. */
export const pushErasure: UserErasure = {
  statements: [named('erase-pushes', 'DELETE FROM push WHERE user_id = $1')],
};
