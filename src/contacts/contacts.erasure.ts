import { named } from '../platform/postgres/statement.js';
import type { UserErasure } from '../platform/retention/user-erasure.js';

/** The addresses. That an address wants no messages is kept elsewhere, and does not say whose it was (messages/opt-outs). */
export const contactErasure: UserErasure = {
  statements: [named('erase-contacts', 'DELETE FROM contact WHERE user_id = $1')],
};
