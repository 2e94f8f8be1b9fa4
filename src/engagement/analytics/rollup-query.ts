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

/**
 * Returns the key of a query in a cache, with the version of the roll-ups that it is answered from: an answer from older ones is never found.
 */
export function cacheKey(
  { team, campaign, kind, groupBy, starts, end, label }: RollupQuery,
  version: string,
): string {
  return JSON.stringify([team, campaign, kind, groupBy, starts[0], end, label, version]);
}
