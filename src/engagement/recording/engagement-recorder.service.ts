import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Problem } from '../../platform/http/problem.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { KeyedRateLimiter } from '../../platform/rate-limits/keyed-rate-limiter.js';
import { Batcher } from '../../platform/scheduling/batcher.js';
import type { EngagementEvent } from '../engagement-event.js';
import { EngagementEventStore } from './engagement-event.store.js';
import { type EngagementRefusal, sortByTime } from './acceptance.js';

/** Events of one statement. */
const BATCH_SIZE = 2_000;
/** Calls that may wait; one may have a thousand events, some 300 KB. */
const CAPACITY = 500;
/** Batches of one app's user: an hour of somebody who taps all the time, after a week without a connection. */
const USER_BATCHES = { perSecond: 0.2, burst: 20 };

/** What became of the events of a call. */
export interface RecordedEngagement {
  readonly new: number;
  readonly known: number;
  readonly refused: readonly EngagementRefusal[];
}

/** Records what people did. */
@Injectable()
export class EngagementRecorderService {
  private readonly events: Counter<'result'>;
  private readonly users = new KeyedRateLimiter(USER_BATCHES.perSecond, USER_BATCHES.burst);
  private readonly writes = new Batcher<readonly EngagementEvent[], number>({
    runBatch: (calls) => this.store.record(calls),
    size: BATCH_SIZE,
    weigh: ({ length }) => length,
    concurrency: 2,
    capacity: CAPACITY,
    isolate: (error) => !isOutage(error),
  });

  constructor(
    private readonly store: EngagementEventStore,
    metrics: MetricsService,
  ) {
    this.events = metrics.counter(
      'engagement_events_total',
      'Engagement events that came in: `new`, `known` (sent again, which changes nothing), `refused` (too old, or from the future), `dropped` (clicks that could not be written in time).',
      ['result'],
    );
  }

  /** Resolves once the events are stored. Throws QueueFull when too many calls wait. */
  async record(events: readonly EngagementEvent[]): Promise<RecordedEngagement> {
    const { accepted, refused } = sortByTime(events, Date.now());
    const added = accepted.length === 0 ? 0 : await this.writes.add(accepted);
    const result = { new: added, known: accepted.length - added, refused };
    this.events.inc({ result: 'new' }, result.new);
    this.events.inc({ result: 'known' }, result.known);
    this.events.inc({ result: 'refused' }, refused.length);
    return result;
  }

  /** The same for what the app of a user reports. Throws Problem rate_limited when the user's batches come too often. */
  async recordOwn(
    userId: string,
    events: readonly Omit<EngagementEvent, 'userId'>[],
  ): Promise<RecordedEngagement> {
    if (!this.users.take(userId))
      throw new Problem('rate_limited', 'Collect events, and send them together.', {
        retryAfterMs: Math.ceil(this.users.bucketOf(userId).waitMs),
      });
    return this.record(events.map((event) => Object.assign(event, { userId })));
  }

  /** Records one event for which nobody waits, such as a click: it is lost if it cannot be written now. */
  recordAndForget(event: EngagementEvent): void {
    void this.record([event]).catch(() => this.events.inc({ result: 'dropped' }));
  }
}
