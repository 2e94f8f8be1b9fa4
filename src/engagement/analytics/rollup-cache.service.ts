import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Counter } from 'prom-client';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { MAX_LATE_MS } from '../recording/acceptance.js';
import type { RollupWatermark } from '../rollups/rollup.store.js';
import { cacheKey, type RollupQuery } from './rollup-query.js';
import { RollupQueryStore } from './rollup-query.store.js';
import type { GroupCounts } from './series.js';
import { splitBuckets } from './time-buckets.js';

/** Counts that are kept, some 25 bytes each: 25 MB. */
const MAX_COUNTS = 1_000_000;
const COUNT_BYTES = 25;
/** What an entry weighs besides what is in it. */
const EMPTY_WEIGHT = 10;
/** What nobody has asked for is not kept for longer, in ms. */
const TTL_MS = 3_600_000;
/** A node's clock and PostgreSQL's may differ so much. */
const CLOCKS_MS = 3_600_000;

/**
 * Counts from the roll-ups, kept in memory by query. Those of buckets that can change no more are kept without a version; the rest is asked for anew when
 * the roll-ups have counted more. Counts that are asked for while they are being read are read once.
 */
@Injectable()
export class RollupCacheService {
  private readonly counts: LRUCache<string, readonly GroupCounts[], RollupQuery>;
  private readonly asked: Counter<'part' | 'result'>;

  constructor(store: RollupQueryStore, metrics: MetricsService) {
    this.counts = new LRUCache({
      ttl: TTL_MS,
      updateAgeOnGet: true,
      ignoreFetchAbort: true,
      maxSize: MAX_COUNTS,
      sizeCalculation: (groups) => groups.reduce((sum, one) => sum + one.buckets.length, EMPTY_WEIGHT),
      fetchMethod: (_key, _stale, { context }) => store.read(context),
    });
    this.asked = metrics.counter(
      'analytics_counts_total',
      'Counts that were needed for answers of GET /v1/analytics/engagement, by where they came from: `hit` (memory), `shared` (they were being read), `miss` (PostgreSQL). `settled`: those that can change no more. Hits of it below nine tenths: questions differ more than the memory holds.',
      ['part', 'result'],
    );
    metrics.gauge(
      'analytics_counts_bytes',
      'Memory that counts for answers about engagement take, about; at most 25 MB.',
      'sum',
      () => COUNT_BYTES * this.counts.calculatedSize,
    );
  }

  /** Returns the counts as of the watermark. Throws what the store throws. */
  async read(query: RollupQuery, { seq, at }: RollupWatermark): Promise<readonly GroupCounts[]> {
    const { settled, recent } = splitBuckets(query, Date.parse(at) - MAX_LATE_MS - CLOCKS_MS);
    const [old = [], fresh = []] = await Promise.all([
      settled && this.readPart('settled', { ...query, ...settled }, 0),
      recent && this.readPart('recent', { ...query, ...recent }, seq),
    ]);
    const offset = settled?.starts.length ?? 0;
    if (offset === 0) return fresh;
    const shifted = ({ buckets, ...one }: GroupCounts): GroupCounts =>
      Object.assign(one, { buckets: buckets.map((bucket) => bucket + offset) });
    return [...old, ...fresh.map(shifted)];
  }

  private async readPart(
    part: 'settled' | 'recent',
    query: RollupQuery,
    version: number,
  ): Promise<readonly GroupCounts[]> {
    const status: LRUCache.Status<string, readonly GroupCounts[], RollupQuery> = {};
    const options = { context: query, status };
    const counts = (await this.counts.fetch(cacheKey(query, version), options as never)) ?? [];
    this.asked.inc({ part, result: RESULTS[status.fetch ?? 'miss'] ?? 'miss' });
    return counts;
  }
}

/** By what lru-cache calls it. */
const RESULTS: Readonly<Record<string, string>> = {
  hit: 'hit',
  inflight: 'shared',
  miss: 'miss',
  stale: 'miss',
};
