import { named } from '../platform/postgres/statement.js';
import type { UserErasure } from '../platform/retention/user-erasure.js';

/** What was sent to the user and came from their number. An opt-out stays: it does not say whose the address was. */
export const messageErasure: UserErasure = {
  statements: [
    named('erase-messages', 'DELETE FROM message WHERE user_id = $1'),
    named('erase-inbound-texts', 'DELETE FROM inbound_text WHERE user_id = $1'),
  ],
};
