import type { RetentionRules } from '../platform/retention/retention-rule.js';

/**
 * Days that roll-ups are kept: those of every event (`all`), also by kind, and those of dimensions, which are fifty times as many. Minutes of all:
 * longer than events may be late. Hours of all: a year in any time zone. Those by the day stay.
 */
export const ROLLUP_DAYS = {
  minute: { all: 14, dimension: 2 },
  hour: { all: 400, dimension: 62 },
} as const;

const CONDITIONS = { all: `dimension = 'all'`, dimension: `dimension <> 'all'` } as const;

/** Roll-ups by the minute and hour. Events go with their partitions (partitions/). */
export const engagementRetention: RetentionRules = () =>
  (['minute', 'hour'] as const).flatMap((grain) =>
    (['all', 'dimension'] as const).map((of) => ({
      name: `engagement_rollup ${grain} ${of}`,
      table: 'engagement_rollup',
      orderBy: 'at',
      due: `grain = '${grain}' AND ${CONDITIONS[of]} AND at < now() - $1::interval`,
      after: `${ROLLUP_DAYS[grain][of]} days`,
    })),
  );
