import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Counter } from 'prom-client';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { cacheKey, type RollupQuery } from './rollup-query.js';
import { RollupQueryStore } from './rollup-query.store.js';
import type { BucketCount } from './series.js';

/** Counts that are kept, some 100 bytes each: 50 MB. */
const MAX_COUNTS = 500_000;
/** What an answer weighs besides its counts. */
const EMPTY_WEIGHT = 10;
/** What nobody has asked for is not kept for longer, in ms. */
const TTL_MS = 3_600_000;

/**
 * Answers from the roll-ups, kept by question and version. A question that is asked again while it is being answered waits for the same
 * answer.
 */
@Injectable()
export class RollupCacheService {
  private readonly answers: LRUCache<string, readonly BucketCount[], RollupQuery>;
  private readonly asked: Counter<'part' | 'result'>;

  constructor(store: RollupQueryStore, metrics: MetricsService) {
    this.answers = new LRUCache({
      maxSize: MAX_COUNTS,
      sizeCalculation: ({ length }) => length + EMPTY_WEIGHT,
      ttl: TTL_MS,
      updateAgeOnGet: true,
      ignoreFetchAbort: true,
      fetchMethod: (_key, _stale, { context }) => store.read(context),
    });
    this.asked = metrics.counter(
      'analytics_cache_total',
      'Parts of answers of GET /v1/analytics/engagement, by where they came from: `hit` (memory), `shared` (a question that was being answered), `miss` (PostgreSQL), `ahead` (PostgreSQL, before anybody asked). `settled`: the part that can change no more. Hits of it below nine tenths: questions differ more than the memory holds.',
      ['part', 'result'],
    );
    metrics.gauge(
      'analytics_cache_counts',
      'Counts that are kept in memory to answer questions about engagement; at most 500,000.',
      'sum',
      () => this.answers.calculatedSize,
    );
  }

  /** Returns the counts as of this version of the roll-ups. Throws what the store throws. */
  async get(
    query: RollupQuery,
    part: 'settled' | 'recent',
    version: string,
  ): Promise<readonly BucketCount[]> {
    const status: LRUCache.Status<string, readonly BucketCount[], RollupQuery> = {};
    const key = cacheKey(query, version);
    const answer = await this.answers.forceFetch(key, { context: query, status });
    this.asked.inc({ part, result: RESULTS[status.fetch ?? 'miss'] ?? 'miss' });
    return answer;
  }

  /** Reads what will be asked for, unless it is known. */
  async readAhead(query: RollupQuery, part: 'settled' | 'recent', version: string): Promise<void> {
    const key = cacheKey(query, version);
    if (this.answers.has(key)) return;
    await this.answers.forceFetch(key, { context: query });
    this.asked.inc({ part, result: 'ahead' });
  }
}

/** What the library calls it. */
const RESULTS: Readonly<Record<string, string>> = {
  hit: 'hit',
  inflight: 'shared',
  miss: 'miss',
  stale: 'miss',
};
