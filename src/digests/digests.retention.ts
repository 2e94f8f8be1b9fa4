import type { RetentionRules } from '../platform/retention/retention-rule.js';

/** What became of digests is kept for as long as receipts: the timeline tells both. */
export const digestRetention: RetentionRules = ({ RECEIPT_RETENTION_DAYS }) => [
  {
    name: 'digest_run',
    table: 'digest_run',
    orderBy: 'at',
    due: 'at < now() - $1::interval',
    after: `${RECEIPT_RETENTION_DAYS} days`,
  },
];
