import type { RetentionRules } from '../../platform/retention/retention-rule.js';

/**
 * A body holds personal data, and is erased soon after nothing reads it any more. The row stays longer: it is by the row that a webhook
 * which the processor repeats is known. What still waits, or is still tried, keeps both.
 */
export const webhookRetention: RetentionRules = ({ WEBHOOK_BODY_RETENTION_DAYS, WEBHOOK_RETENTION_DAYS }) => [
  {
    name: 'webhook body',
    table: 'webhook',
    orderBy: 'settled_at',
    due: `settled_at < now() - $1::interval AND status IN ('applied', 'stale', 'ignored') AND payload IS NOT NULL`,
    after: `${WEBHOOK_BODY_RETENTION_DAYS} days`,
    set: 'payload = NULL',
  },
  {
    name: 'webhook',
    table: 'webhook',
    orderBy: 'settled_at',
    due: 'settled_at < now() - $1::interval AND payload IS NULL',
    after: `${WEBHOOK_RETENTION_DAYS} days`,
  },
];
