import type { RetentionRules } from '../../platform/retention/retention-rule.js';

/** What became of a push is kept for the timeline; the counts for a week, of which a day is read. */
export const pushRetention: RetentionRules = ({ PUSH_RETENTION_DAYS }) => [
  {
    name: 'push',
    table: 'push',
    orderBy: 'settled_at',
    due: 'settled_at < now() - $1::interval',
    after: `${PUSH_RETENTION_DAYS} days`,
  },
  {
    name: 'push_result',
    table: 'push_result',
    orderBy: 'at',
    due: 'at < now() - $1::interval',
    after: '7 days',
  },
];
