import { named } from '../platform/postgres/statement.js';
import type { UserErasure } from '../platform/retention/user-erasure.js';

/** Streams, which were stopped before. Their notices stay until the edge nodes have acknowledged them, 26 hours at most. */
export const streamErasure: UserErasure = {
  statements: [named('erase-streams', 'DELETE FROM stream WHERE user_id = $1')],
};
