import type { RetentionRules } from '../platform/retention/retention-rule.js';

/** Days that roll-ups by the minute are kept: longer than events may be late. */
export const MINUTE_DAYS = 14;
/** Days that roll-ups by the hour are kept: a year in any time zone. */
export const HOUR_DAYS = 400;

/** Roll-ups by the minute and hour. Those by the day are small and stay; events go with their partitions (partitions/). */
export const engagementRetention: RetentionRules = () =>
  (
    [
      ['minute', MINUTE_DAYS],
      ['hour', HOUR_DAYS],
    ] as const
  ).map(([grain, days]) => ({
    name: `engagement_rollup ${grain}`,
    table: 'engagement_rollup',
    orderBy: 'at',
    due: `grain = '${grain}' AND at < now() - $1::interval`,
    after: `${days} days`,
  }));
