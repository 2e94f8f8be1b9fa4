import { named } from '../postgres/statement.js';
import type { UserErasure } from '../retention/user-erasure.js';

/** That the user was erased. These entries name the user, and stay. */
export const USER_ERASED = 'user.erase';

/** What was done stays, and who did it: nothing says any more to whom. */
export const auditErasure: UserErasure = {
  statements: [
    named(
      'erase-audit',
      `UPDATE audit_entry SET user_id = NULL, target_id = NULL, before = NULL, after = NULL, reason = NULL
       WHERE user_id = $1 AND action <> '${USER_ERASED}'`,
    ),
  ],
};
