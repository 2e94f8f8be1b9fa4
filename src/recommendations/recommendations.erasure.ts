import { named } from '../platform/postgres/statement.js';
import type { UserErasure } from '../platform/retention/user-erasure.js';

/** Front pages. */
export const recommendationErasure: UserErasure = {
  statements: [named('erase-front-pages', 'DELETE FROM recommendation WHERE user_id = $1')],
};
