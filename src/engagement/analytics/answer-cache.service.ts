import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Counter } from 'prom-client';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { Batcher } from '../../platform/scheduling/batcher.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import type { RollupWatermark } from '../rollups/rollup.store.js';
import { type EncodedAnswer, encodeAnswer, toJson } from './engagement-json.js';
import { RollupCacheService } from './rollup-cache.service.js';
import { cacheKey, type RollupQuery } from './rollup-query.js';

/** Bytes of answers that are kept, each as JSON and as it is sent. */
const MAX_BYTES = 100_000_000;
/** What nobody has asked for is not kept for longer. */
const TTL_MS = 600_000;
/** While a newer answer is being made, one of this age is given. A second or two, when there is little to do. */
const MAX_STALE_MS = 5_000;
/** Answers that wait to be made anew. */
const MAX_REFRESHES = 500;

/** An answer, of which version of the roll-ups it is, and when they were last known to be at it. */
interface KnownAnswer extends EncodedAnswer {
  readonly json: string;
  readonly watermark: RollupWatermark;
  readonly madeAt: number;
}

/**
 * Answers, kept in memory as they are sent. One that is asked for while it is being made is made once. Of one whose roll-ups have counted more since the
 * last answer is given, and a newer one made, one after the other: nobody waits, however many questions there are.
 */
@Injectable()
export class AnswerCacheService {
  private readonly answers = new LRUCache<string, KnownAnswer>({
    ttl: TTL_MS,
    updateAgeOnGet: true,
    maxSize: MAX_BYTES,
    sizeCalculation: ({ body }) => 2 * body.length,
  });
  private readonly underWay = new Map<string, Promise<KnownAnswer>>();
  private readonly waiting = new Set<string>();
  private newest: RollupWatermark | undefined;
  private readonly asked: Counter<'result'>;
  private readonly refreshes = new Batcher<RollupQuery, void>({
    runBatch: async ([query]) => [query && (await this.makeAgain(query))],
    size: 1,
    concurrency: 1,
    capacity: MAX_REFRESHES,
  });

  constructor(
    private readonly counts: RollupCacheService,
    metrics: MetricsService,
  ) {
    this.asked = metrics.counter(
      'analytics_cache_total',
      'Answers of GET /v1/analytics/engagement by where they came from: `hit` (memory), `stale` (memory, at most five seconds old, while a newer one was made), `shared` (one that was being made), `miss` (made now); and `ahead`: made before anybody asked.',
      ['result'],
    );
    metrics.gauge(
      'analytics_cache_bytes',
      'Memory that answers about engagement take; at most 100 MB.',
      'sum',
      () => this.answers.calculatedSize,
    );
  }

  /** Returns the answer as of the watermark, or of some seconds before. Throws what RollupCacheService throws. */
  async answer(query: RollupQuery, watermark: RollupWatermark): Promise<EncodedAnswer> {
    const key = cacheKey(query);
    const known = this.answers.get(key);
    if (known?.watermark.seq === watermark.seq) {
      this.asked.inc({ result: 'hit' });
      return this.upToDate(key, known, watermark);
    }
    if (known && monotonicNow() - known.madeAt <= MAX_STALE_MS) {
      this.asked.inc({ result: 'stale' });
      this.refresh(query, watermark);
      return known;
    }
    this.asked.inc({ result: this.underWay.has(key) ? 'shared' : 'miss' });
    return this.make(query, watermark);
  }

  /** Makes the answer anew, after those that wait for the same. Does nothing when it is as of the watermark, or waits already. */
  refresh(query: RollupQuery, watermark: RollupWatermark): void {
    this.newest = watermark;
    const key = cacheKey(query);
    if (this.waiting.has(key) || this.answers.get(key)?.watermark.seq === watermark.seq) return;
    if (this.refreshes.addAndForget(query)) this.waiting.add(key);
  }

  private async makeAgain(query: RollupQuery): Promise<void> {
    this.waiting.delete(cacheKey(query));
    // Whoever asks next gets the error.
    if (this.newest) await this.make(query, this.newest).catch(() => undefined);
    this.asked.inc({ result: 'ahead' });
  }

  private make(query: RollupQuery, watermark: RollupWatermark): Promise<KnownAnswer> {
    const key = cacheKey(query);
    const underWay = this.underWay.get(key);
    if (underWay) return underWay;
    const making = this.makeNow(key, query, watermark).finally(() => this.underWay.delete(key));
    this.underWay.set(key, making);
    return making;
  }

  private async makeNow(key: string, query: RollupQuery, watermark: RollupWatermark): Promise<KnownAnswer> {
    const json = toJson(query, await this.counts.read(query, watermark));
    return this.keep(key, json, watermark);
  }

  /** Nothing was counted since, which the answer says. */
  private upToDate(key: string, known: KnownAnswer, watermark: RollupWatermark): KnownAnswer {
    return known.watermark.at === watermark.at ? known : this.keep(key, known.json, watermark);
  }

  private keep(key: string, json: string, watermark: RollupWatermark): KnownAnswer {
    const answer = { ...encodeAnswer(json, watermark.at), json, watermark, madeAt: monotonicNow() };
    this.answers.set(key, answer);
    return answer;
  }
}
