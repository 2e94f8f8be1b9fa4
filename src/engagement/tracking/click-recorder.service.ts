import { Inject, Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { growingCache } from '../../platform/growing-cache.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { Batcher } from '../../platform/scheduling/batcher.js';
import type { EngagementEvent } from '../engagement-event.js';
import { EngagementEventStore } from '../recording/engagement-event.store.js';

const DAY_MS = 86_400_000;
/** Events of one statement, and those that may wait, some 500 bytes each. */
const BATCH_SIZE = 500;
const CAPACITY = 5_000;
/** Events that were just recorded, and are not written again: a mail that is opened by many, or a link that somebody replays. */
const MAX_SEEN = 50_000;
const SEEN_MS = 600_000;

/** An event of a message, with the day (UTC) on which the message was made. */
export type MessageEvent = EngagementEvent & { readonly day: string; readonly messageId: string };

/**
 * Records what people do with messages: clicks, opens and unsubscriptions. Nobody waits for it, and a flood of replayed links takes nothing from what
 * apps and servers send: it has a queue of its own, and loses what does not fit.
 */
@Injectable()
export class ClickRecorderService {
  private readonly countedMs: number;
  private readonly clicks: Counter<'result'>;
  private readonly seen = growingCache<true>(MAX_SEEN, SEEN_MS);
  private readonly writes = new Batcher<MessageEvent, number>({
    runBatch: (events) => this.store.record(events.map((event) => [event])),
    size: BATCH_SIZE,
    concurrency: 1,
    capacity: CAPACITY,
    isolate: (error) => !isOutage(error),
  });

  constructor(
    private readonly store: EngagementEventStore,
    @Inject(CONFIG) config: Config,
    metrics: MetricsService,
  ) {
    // The last day may be dropped already.
    this.countedMs = (config.ENGAGEMENT_RETENTION_DAYS - 1) * DAY_MS;
    this.clicks = metrics.counter(
      'engagement_clicks_total',
      'Clicks, opens and unsubscriptions of messages: `new`, `known` (counted before, or of a message that is no longer there), `repeated` (counted a moment ago by this node, so not even looked up), `old` (the message is older than events are kept), `dropped` (too many at once, or they could not be written). `dropped` grows: links are replayed, or PostgreSQL is away.',
      ['result'],
    );
  }

  /**
   * Records the event, once, however often it comes. Its day is that of the message, so that one is known again however much later it comes; when the events
   * of that day are gone, or the message is, it is not counted any more: so nothing new is stored of a person who was erased. Returns at once.
   */
  record(event: MessageEvent): void {
    const key = `${event.userId} ${event.id}`;
    if (Date.now() - Date.parse(event.day) > this.countedMs) return this.clicks.inc({ result: 'old' });
    if (this.seen.has(key)) return this.clicks.inc({ result: 'repeated' });
    this.seen.set(key, true);
    this.writes.add(event).then(
      (added) => this.clicks.inc({ result: added === 1 ? 'new' : 'known' }),
      () => {
        this.seen.delete(key);
        this.clicks.inc({ result: 'dropped' });
      },
    );
  }
}
