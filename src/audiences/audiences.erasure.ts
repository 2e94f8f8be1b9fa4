import { named } from '../platform/postgres/statement.js';
import type { UserErasure } from '../platform/retention/user-erasure.js';

/** That the person was on lists. The lists are locked first, as an upload does. */
export const audienceErasure: UserErasure = {
  statements: [
    named(
      'erase-lock-audiences',
      `SELECT FROM audience a WHERE a.name IN (SELECT m.audience FROM audience_member m WHERE m.user_id = $1) ORDER BY a.name FOR UPDATE`,
    ),
    named(
      'erase-audience-members',
      `WITH gone AS (DELETE FROM audience_member WHERE user_id = $1 RETURNING audience)
       UPDATE audience a SET members = a.members - 1 FROM gone WHERE a.name = gone.audience`,
    ),
  ],
};
