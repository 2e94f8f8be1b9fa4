import type { RetentionRules } from '../retention/retention-rule.js';

/** The migration's trigger lets nobody remove an entry of less than the least AUDIT_RETENTION_DAYS. */
export const auditRetention: RetentionRules = ({ AUDIT_RETENTION_DAYS }) => [
  {
    name: 'audit_entry',
    table: 'audit_entry',
    orderBy: 'at',
    due: 'at < now() - $1::interval',
    after: `${AUDIT_RETENTION_DAYS} days`,
  },
];
