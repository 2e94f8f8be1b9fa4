import { Injectable, type OnModuleInit } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import type { RollupWatermark } from '../rollups/rollup.store.js';
import { AnswerCacheService } from './answer-cache.service.js';
import { cacheKey, type RollupQuery } from './rollup-query.js';
import { rollupsAdvanced } from './watermark.worker.js';

/** A question that was asked this often within a minute is likely to be asked again. */
const OFTEN = 3;
const WITHIN_MS = 60_000;
/** Questions that are counted, and those that are answered ahead in a second. */
const MAX_COUNTED = 500;
const MAX_AHEAD = 20;

interface CountedQuestion {
  readonly query: RollupQuery;
  asks: number;
}

/** Answers ahead what is asked often: as soon as the roll-ups have counted more, and before anybody asks. */
@Injectable()
export class CacheWarmingService implements OnModuleInit {
  private readonly questions = new LRUCache<string, CountedQuestion>({ max: MAX_COUNTED, ttl: WITHIN_MS });

  constructor(
    private readonly cache: AnswerCacheService,
    private readonly bus: EventBusService,
  ) {}

  onModuleInit(): void {
    this.bus.subscribe(rollupsAdvanced, (watermark) => this.answerAhead(watermark));
  }

  /** Counts a question. */
  count(query: RollupQuery): void {
    const key = cacheKey(query);
    const known = this.questions.get(key);
    if (known) known.asks += 1;
    else this.questions.set(key, { query, asks: 1 });
  }

  private answerAhead(watermark: RollupWatermark): void {
    const often = [...this.questions.values()]
      .filter(({ asks }) => asks >= OFTEN)
      .toSorted((a, b) => b.asks - a.asks)
      .slice(0, MAX_AHEAD);
    for (const { query } of often) this.cache.refresh(query, watermark);
  }
}
