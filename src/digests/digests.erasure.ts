import { named } from '../platform/postgres/statement.js';
import type { UserErasure } from '../platform/retention/user-erasure.js';

/** When the person's digests are due, and what became of them. */
export const digestErasure: UserErasure = {
  statements: [
    named('erase-digest-plans', 'DELETE FROM digest_plan WHERE user_id = $1'),
    named('erase-digest-runs', 'DELETE FROM digest_run WHERE user_id = $1'),
  ],
};
