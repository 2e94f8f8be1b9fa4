import type { RetentionRules } from '../platform/retention/retention-rule.js';

/** A quarter of nights: long enough to see what changed, and a few thousand rows where a file comes in parts. */
const RUNS_KEPT_DAYS = 90;

/** What is known of nightly files. */
export const recommendationRetention: RetentionRules = () => [
  {
    name: 'recommendation_run',
    table: 'recommendation_run',
    orderBy: 'started_at',
    due: 'started_at < now() - $1::interval',
    after: `${RUNS_KEPT_DAYS} days`,
  },
];
