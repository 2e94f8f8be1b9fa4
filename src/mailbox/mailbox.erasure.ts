import { named } from '../platform/postgres/statement.js';
import type { UserErasure } from '../platform/retention/user-erasure.js';

/** The counter first, as an append locks them. What was committed just before is in `handoff`, which consumers empty within seconds. */
export const mailboxErasure: UserErasure = {
  statements: [
    named('erase-mailbox', 'DELETE FROM mailbox WHERE user_id = $1'),
    named('erase-entries', 'DELETE FROM mailbox_entry WHERE user_id = $1'),
    named('erase-past-events', 'DELETE FROM past_event WHERE user_id = $1'),
  ],
};
