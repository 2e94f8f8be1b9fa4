import type { RetentionRules } from '../platform/retention/retention-rule.js';

/** Expired events. Readers never see them, whether they are removed or not. Their offsets are not used again. */
export const mailboxRetention: RetentionRules = () => [
  {
    name: 'mailbox_entry',
    table: 'mailbox_entry',
    orderBy: 'expires_at',
    due: 'expires_at <= now() - $1::interval',
    after: '0 seconds',
  },
];
