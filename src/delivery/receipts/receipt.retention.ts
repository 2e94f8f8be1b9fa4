import type { RetentionRules } from '../../platform/retention/retention-rule.js';

/** A receipt is kept from its first step on. The column is never updated: an index on the time of a step would make each step cost more. */
export const receiptRetention: RetentionRules = ({ RECEIPT_RETENTION_DAYS }) => [
  {
    name: 'receipt',
    table: 'receipt',
    orderBy: 'created_at',
    due: 'created_at < now() - $1::interval',
    after: `${RECEIPT_RETENTION_DAYS} days`,
  },
];
