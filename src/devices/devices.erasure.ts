import { named } from '../platform/postgres/statement.js';
import type { UserErasure } from '../platform/retention/user-erasure.js';

/** Devices with their push addresses, and preferences. */
export const deviceErasure: UserErasure = {
  statements: [
    named('erase-devices', 'DELETE FROM device WHERE user_id = $1'),
    named('erase-preferences', 'DELETE FROM preference WHERE user_id = $1'),
  ],
};
