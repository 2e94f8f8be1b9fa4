import type { RetentionRules } from '../../retention/retention-rule.js';

/** How long a call can be repeated is part of the contract (docs/CONTRACT.md, "HTTP"), so it is no setting. */
export const idempotencyRetention: RetentionRules = () => [
  {
    name: 'idempotent_call',
    table: 'idempotent_call',
    orderBy: 'created_at',
    due: 'created_at < now() - $1::interval',
    after: '24 hours',
  },
];
