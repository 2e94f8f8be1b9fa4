import type { EngagementDimension } from '../engagement-event.js';
import type { TimeBuckets } from './time-buckets.js';

/** Which events count, and by what they are told apart. */
export interface RollupFilter {
  readonly team?: string | undefined;
  readonly campaign?: string | undefined;
  readonly kind?: string | undefined;
  readonly groupBy?: 'kind' | EngagementDimension | undefined;
}

/** What is read of the roll-ups: a filter and buckets. */
export interface RollupQuery extends RollupFilter, TimeBuckets {}

/** Returns the key of a query in a cache. `version`: of the roll-ups, for what is asked for anew when they have counted more. */
export function cacheKey(
  { team, campaign, kind, groupBy, starts, end, interval, timezone }: RollupQuery,
  version = 0,
): string {
  return JSON.stringify([team, campaign, kind, groupBy, starts[0], end, interval, timezone, version]);
}
