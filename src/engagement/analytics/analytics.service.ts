import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import { ROLLUP_DAYS } from '../engagement.retention.js';
import { AnswerCacheService } from './answer-cache.service.js';
import type { EngagementQuery } from './analytics.schema.js';
import type { EncodedAnswer } from './engagement-json.js';
import { CacheWarmingService } from './cache-warming.service.js';
import type { RollupFilter } from './rollup-query.js';
import { type BucketWindow, MAX_BUCKETS, type TimeBuckets, timeBuckets } from './time-buckets.js';
import { WatermarkWorker } from './watermark.worker.js';

const DAY_MS = 86_400_000;

/** Says what people did, over time. */
@Injectable()
export class AnalyticsService {
  constructor(
    private readonly watermark: WatermarkWorker,
    private readonly cache: AnswerCacheService,
    private readonly warming: CacheWarmingService,
  ) {}

  /** Returns the answer (engagementResponse). Throws Problem invalid_request, too_many_buckets or not_kept. */
  async read({ from, to, interval, timezone, ...filter }: EngagementQuery): Promise<EncodedAnswer> {
    const now = Date.now();
    const window = {
      from: Math.max(0, Date.parse(from)),
      to: to === undefined ? now : Date.parse(to),
      interval,
      timezone,
    };
    if (window.from > now) throw new Problem('invalid_request', 'from: is in the future');
    const buckets = bucketsOf(window);
    checkKept(buckets, filter, now);
    const query = { ...filter, ...buckets };
    this.warming.count(query);
    return this.cache.answer(query, await this.watermark.current());
  }
}

function bucketsOf(window: BucketWindow): TimeBuckets {
  if (window.to <= window.from) throw new Problem('invalid_request', 'to: must be after from');
  const buckets = timeBuckets(window);
  if (!buckets)
    throw new Problem(
      'too_many_buckets',
      `An answer has ${MAX_BUCKETS} buckets at most: take a shorter time, or a wider interval.`,
      { maxBuckets: MAX_BUCKETS },
    );
  return buckets;
}

/** The roll-ups of the first bucket must be there still. */
function checkKept(
  { grain, starts: [first = 0] }: TimeBuckets,
  { groupBy }: RollupFilter,
  now: number,
): void {
  if (grain === 'day') return;
  const days = ROLLUP_DAYS[grain][groupBy === undefined || groupBy === 'kind' ? 'all' : 'dimension'];
  if (days === 0)
    throw new Problem('not_kept', 'Minutes are counted by kind alone: take hours, or group by kind.');
  if (first >= now - days * DAY_MS) return;
  throw new Problem(
    'not_kept',
    `This is made of counts by the ${grain}, which are kept for ${days} days: take a wider interval, or days of UTC.`,
    { keptDays: days },
  );
}
