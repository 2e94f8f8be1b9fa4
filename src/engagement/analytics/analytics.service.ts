import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import { HOUR_DAYS, MINUTE_DAYS } from '../engagement.retention.js';
import { MAX_LATE_MS } from '../recording/acceptance.js';
import type { RollupWatermark } from '../rollups/rollup.store.js';
import type { EngagementQuery } from './analytics.schema.js';
import { FrequentQuestionsService } from './frequent-questions.service.js';
import { RollupCacheService } from './rollup-cache.service.js';
import type { RollupFilter } from './rollup-query.js';
import { type BucketCount, type EngagementGroups, toSeries } from './series.js';
import { MAX_BUCKETS, splitBuckets, type TimeBuckets, timeBuckets } from './time-buckets.js';
import { WatermarkWorker } from './watermark.worker.js';

const DAY_MS = 86_400_000;
/** For how long roll-ups are kept, in ms. */
const KEPT_MS = { minute: MINUTE_DAYS * DAY_MS, hour: HOUR_DAYS * DAY_MS, day: Infinity } as const;
/** A node's clock and PostgreSQL's may differ so much. */
const CLOCKS_MS = 3_600_000;

/** The numbers of each bucket, and as of when they are. */
export interface EngagementInTime extends EngagementGroups {
  /** ISO 8601, as all times here. */
  readonly from: string;
  readonly to: string;
  readonly interval: EngagementQuery['interval'];
  readonly timezone: string;
  readonly rolledUpTo: string;
  readonly buckets: readonly string[];
}

/** Says what people did, over time. */
@Injectable()
export class AnalyticsService {
  constructor(
    private readonly watermark: WatermarkWorker,
    private readonly cache: RollupCacheService,
    private readonly frequent: FrequentQuestionsService,
  ) {}

  /** Throws Problem invalid_request, too_many_buckets or not_kept. */
  async read({ from, to, interval, timezone, ...filter }: EngagementQuery): Promise<EngagementInTime> {
    const now = Date.now();
    const window = {
      from: Date.parse(from),
      to: to === undefined ? now : Date.parse(to),
      interval,
      timezone,
    };
    const buckets = bucketsOf(window, now);
    const watermark = await this.watermark.current();
    const counts = await this.readCounts(filter, buckets, watermark);
    return {
      from: iso(buckets.starts[0] ?? window.from),
      to: iso(buckets.end),
      interval,
      timezone,
      rolledUpTo: watermark.at,
      buckets: buckets.starts.map(iso),
      ...toSeries(counts, buckets.starts.length),
    };
  }

  /** What can change no more is kept without a version; the rest is asked for anew when the roll-ups have counted more. */
  private async readCounts(
    filter: RollupFilter,
    buckets: TimeBuckets,
    { seq, at }: RollupWatermark,
  ): Promise<readonly BucketCount[]> {
    const { settled, recent } = splitBuckets(buckets, Date.parse(at) - MAX_LATE_MS - CLOCKS_MS);
    if (recent) this.frequent.count({ ...filter, ...recent });
    const [old = [], fresh = []] = await Promise.all([
      settled && this.cache.get({ ...filter, ...settled }, 'settled', 'settled'),
      recent && this.cache.get({ ...filter, ...recent }, 'recent', String(seq)),
    ]);
    const offset = settled?.starts.length ?? 0;
    if (offset === 0) return fresh;
    return [...old, ...fresh.map((count) => Object.assign({}, count, { bucket: count.bucket + offset }))];
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();

function bucketsOf(window: Parameters<typeof timeBuckets>[0], now: number): TimeBuckets {
  if (window.to <= window.from) throw new Problem('invalid_request', 'to: must be after from');
  const buckets = timeBuckets(window);
  if (!buckets)
    throw new Problem(
      'too_many_buckets',
      `An answer has ${MAX_BUCKETS} buckets at most: take a shorter time, or a wider interval.`,
      { maxBuckets: MAX_BUCKETS },
    );
  const { grain, starts } = buckets;
  if ((starts[0] ?? 0) < now - KEPT_MS[grain])
    throw new Problem(
      'not_kept',
      grain === 'minute'
        ? `Minutes are kept for ${MINUTE_DAYS} days: take a wider interval, or a time zone whose days begin at a full hour.`
        : `Hours are kept for ${HOUR_DAYS} days: take days of UTC.`,
    );
  return buckets;
}
