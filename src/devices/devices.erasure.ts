import { named } from '../platform/postgres/statement.js';
import type { UserErasure } from '../platform/retention/user-erasure.js';

/** Devices with their push addresses, and preferences. Claims first: whoever registers an address locks its claim before devices. */
export const deviceErasure: UserErasure = {
  statements: [
    named('erase-push-addresses', 'DELETE FROM push_address WHERE user_id = $1'),
    named('erase-devices', 'DELETE FROM device WHERE user_id = $1'),
    named('erase-preferences', 'DELETE FROM preference WHERE user_id = $1'),
  ],
};
