import type { RetentionRules } from '../platform/retention/retention-rule.js';

/** Broadcasts are kept as long as receipts, since they expired; their counts for the month longer that one may be in force. */
export const broadcastRetention: RetentionRules = ({ RECEIPT_RETENTION_DAYS }) => [
  {
    name: 'broadcast',
    table: 'broadcast',
    orderBy: 'expires_at',
    due: 'expires_at < now() - $1::interval',
    after: `${RECEIPT_RETENTION_DAYS} days`,
  },
  {
    name: 'broadcast_tally',
    table: 'broadcast_tally',
    orderBy: 'updated_at',
    due: 'updated_at < now() - $1::interval',
    after: `${RECEIPT_RETENTION_DAYS + 31} days`,
  },
];
