import type { RetentionRules } from '../platform/retention/retention-rule.js';

/**
 * Days that roll-ups are kept: those of every event (`all`), also by kind, and those of dimensions, which are fifty times as many; minutes have none
 * of these. Minutes: longer than events may be late. Hours of all: a year in any time zone. Those by the day stay.
 */
export const ROLLUP_DAYS = {
  minute: { all: 14, dimension: 0 },
  hour: { all: 400, dimension: 62 },
} as const;

const rule = (grain: keyof typeof ROLLUP_DAYS, of: 'all' | 'dimension', condition: string) => ({
  name: `engagement_rollup ${grain} ${of}`,
  table: 'engagement_rollup',
  orderBy: 'at',
  due: `grain = '${grain}' AND ${condition} AND at < now() - $1::interval`,
  after: `${ROLLUP_DAYS[grain][of]} days`,
});

/** Names that were counted: longer than events may be late. */
const VALUE_DAYS = 15;

/** Roll-ups by the minute and hour, and the names in them. Events go with their partitions (partitions/). */
export const engagementRetention: RetentionRules = () => [
  rule('minute', 'all', `dimension = 'all'`),
  rule('hour', 'all', `dimension = 'all'`),
  rule('hour', 'dimension', `dimension <> 'all'`),
  {
    name: 'engagement_value',
    table: 'engagement_value',
    orderBy: 'day',
    due: 'day < now() - $1::interval',
    after: `${VALUE_DAYS} days`,
  },
];
