import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Counter } from 'prom-client';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { MAX_LATE_MS } from '../recording/acceptance.js';
import type { RollupWatermark } from '../rollups/rollup.store.js';
import { toJson } from './engagement-json.js';
import { cacheKey, type RollupQuery } from './rollup-query.js';
import { RollupQueryStore } from './rollup-query.store.js';
import type { BucketCount } from './series.js';
import { splitBuckets } from './time-buckets.js';

/** Counts that are kept, some 100 bytes each: 30 MB. */
const MAX_COUNTS = 300_000;
/** Answers that are kept, in characters of a byte each. */
const MAX_CHARACTERS = 50_000_000;
/** What an entry weighs besides what is in it. */
const EMPTY_WEIGHT = 10;
/** What nobody has asked for is not kept for longer, in ms. */
const TTL_MS = 3_600_000;
/** A node's clock and PostgreSQL's may differ so much. */
const CLOCKS_MS = 3_600_000;

type Part = 'answer' | 'settled' | 'recent';
interface Question {
  readonly query: RollupQuery;
  readonly watermark: RollupWatermark;
}

/**
 * Answers from the roll-ups, kept in memory by question and version: whole, and the counts of those buckets that can change no more. A question
 * that is asked again while it is being answered waits for the same answer.
 */
@Injectable()
export class RollupCacheService {
  private readonly answers: LRUCache<string, string, Question>;
  private readonly counts: LRUCache<string, readonly BucketCount[], RollupQuery>;
  private readonly asked: Counter<'part' | 'result'>;

  constructor(store: RollupQueryStore, metrics: MetricsService) {
    const kept = { ttl: TTL_MS, updateAgeOnGet: true, ignoreFetchAbort: true };
    this.answers = new LRUCache({
      ...kept,
      maxSize: MAX_CHARACTERS,
      sizeCalculation: ({ length }) => length + EMPTY_WEIGHT,
      fetchMethod: async (_key, _stale, { context: { query, watermark } }) =>
        toJson(query, await this.read(query, watermark)),
    });
    this.counts = new LRUCache({
      ...kept,
      maxSize: MAX_COUNTS,
      sizeCalculation: ({ length }) => length + EMPTY_WEIGHT,
      fetchMethod: (_key, _stale, { context }) => store.read(context),
    });
    this.asked = metrics.counter(
      'analytics_cache_total',
      'Answers of GET /v1/analytics/engagement, and the parts of those that had to be made, by where they came from: `hit` (memory), `shared` (one that was being made), `miss` (made now, from PostgreSQL if it is a part), `ahead` (made before anybody asked). `settled`: the part that can change no more. Hits of it below nine tenths: questions differ more than the memory holds.',
      ['part', 'result'],
    );
    metrics.gauge(
      'analytics_cache_bytes',
      'Memory that answers about engagement take, about; at most 80 MB.',
      'sum',
      () => this.answers.calculatedSize + 100 * this.counts.calculatedSize,
    );
  }

  /** Returns the answer as of the watermark: the members of a JSON object. Throws what the store throws. */
  answer(query: RollupQuery, watermark: RollupWatermark): Promise<string> {
    return this.fetch(this.answers, 'answer', cacheKey(query, String(watermark.seq)), { query, watermark });
  }

  /** Makes the answer before anybody asks for it, unless it is known. */
  async answerAhead(query: RollupQuery, watermark: RollupWatermark): Promise<void> {
    const key = cacheKey(query, String(watermark.seq));
    if (this.answers.has(key)) return;
    await this.answers.forceFetch(key, { context: { query, watermark } });
    this.asked.inc({ part: 'answer', result: 'ahead' });
  }

  /** What can change no more is kept without a version; the rest is asked for anew when the roll-ups have counted more. */
  private async read(query: RollupQuery, { seq, at }: RollupWatermark): Promise<readonly BucketCount[]> {
    const { settled, recent } = splitBuckets(query, Date.parse(at) - MAX_LATE_MS - CLOCKS_MS);
    const [old = [], fresh = []] = await Promise.all([
      settled && this.readPart('settled', { ...query, ...settled }, 'settled'),
      recent && this.readPart('recent', { ...query, ...recent }, String(seq)),
    ]);
    const offset = settled?.starts.length ?? 0;
    if (offset === 0) return fresh;
    return [...old, ...fresh.map((count) => Object.assign({}, count, { bucket: count.bucket + offset }))];
  }

  private readPart(part: Part, query: RollupQuery, version: string): Promise<readonly BucketCount[]> {
    return this.fetch(this.counts, part, cacheKey(query, version), query);
  }

  private async fetch<Value extends {}, Context>(
    cache: LRUCache<string, Value, Context>,
    part: Part,
    key: string,
    context: Context,
  ): Promise<Value> {
    const status: LRUCache.Status<string, Value, Context> = {};
    const options = { context, status } as LRUCache.FetchOptionsWithContext<string, Value, Context>;
    const value = (await cache.fetch(key, options as never)) as Value;
    this.asked.inc({ part, result: RESULTS[status.fetch ?? 'miss'] ?? 'miss' });
    return value;
  }
}

/** By what lru-cache calls it. */
const RESULTS: Readonly<Record<string, string>> = {
  hit: 'hit',
  inflight: 'shared',
  miss: 'miss',
  stale: 'miss',
};
