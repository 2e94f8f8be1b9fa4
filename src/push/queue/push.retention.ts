import type { RetentionRules } from '../../platform/retention/retention-rule.js';

/** What became of a push is kept for the timeline. */
export const pushRetention: RetentionRules = ({ PUSH_RETENTION_DAYS }) => [
  {
    name: 'push',
    table: 'push',
    orderBy: 'settled_at',
    due: 'settled_at < now() - $1::interval',
    after: `${PUSH_RETENTION_DAYS} days`,
  },
];
