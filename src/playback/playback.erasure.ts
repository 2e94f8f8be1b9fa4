import { named } from '../platform/postgres/statement.js';
import type { UserErasure } from '../platform/retention/user-erasure.js';

/** Where the user's profiles stopped. */
export const playbackErasure: UserErasure = {
  statements: [named('erase-positions', 'DELETE FROM playback_position WHERE user_id = $1')],
};
