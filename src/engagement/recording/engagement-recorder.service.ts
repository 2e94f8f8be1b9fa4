import { Inject, Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { KeyedRateLimiter } from '../../platform/rate-limits/keyed-rate-limiter.js';
import { Batcher } from '../../platform/scheduling/batcher.js';
import { APP_KINDS, type EngagementEvent } from '../engagement-event.js';
import { type EngagementRefusal, type SortedEngagement, sortOut } from './acceptance.js';
import { EngagementEventStore } from './engagement-event.store.js';
import { KnownNamesService } from './known-names.service.js';

/** Events of one statement. */
const BATCH_SIZE = 2_000;
/** Calls that may wait; one may have a thousand events, some 300 KB. */
const CAPACITY = 500;
/** Events of one app's user: a week without a connection, then an event a second, day and night. */
const USER_EVENTS = { perSecond: 1, burst: 2_000 };
/** What a call weighs that has fewer: four hundred calls at once and one each five seconds, so that apps collect events. */
const LEAST_WEIGHT = 5;

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
  private readonly appKinds: ReadonlySet<string>;
  private readonly users = new KeyedRateLimiter(USER_EVENTS.perSecond, USER_EVENTS.burst);
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
    private readonly names: KnownNamesService,
    @Inject(CONFIG) config: Config,
    metrics: MetricsService,
  ) {
    this.appKinds = new Set([...APP_KINDS, ...config.ENGAGEMENT_APP_KINDS]);
    this.events = metrics.counter(
      'engagement_events_total',
      'Engagement events that came in: `new`, `known` (sent again, which changes nothing), `refused` (too old, from the future, or of a kind that is not for apps to say). Clicks and opens of mails are in `usher_engagement_clicks_total`.',
      ['result'],
    );
  }

  /** Resolves once the events are stored. Throws QueueFull when too many calls wait. */
  record(events: readonly EngagementEvent[]): Promise<RecordedEngagement> {
    return this.write(sortOut(events, Date.now()));
  }

  /**
   * The same for what the app of a user reports: of the kinds that an app can know, and with the names that there are; another name counts as OTHER.
   * Throws Problem rate_limited when the user's events come too often.
   */
  async recordOwn(
    userId: string,
    given: readonly Omit<EngagementEvent, 'userId'>[],
  ): Promise<RecordedEngagement> {
    this.charge(userId, Math.max(LEAST_WEIGHT, given.length));
    const events = given.map((event) => Object.assign(event, { userId }));
    const { accepted, refused } = sortOut(events, Date.now(), this.appKinds);
    return this.write({ accepted: await this.names.fold(accepted), refused });
  }

  private charge(userId: string, weight: number): void {
    if (this.users.take(userId, weight)) return;
    throw new Problem('rate_limited', 'Collect events, and send them together.', {
      retryAfterMs: this.users.bucketOf(userId).waitMsFor(weight),
    });
  }

  private async write({ accepted, refused }: SortedEngagement): Promise<RecordedEngagement> {
    const added = accepted.length === 0 ? 0 : await this.writes.add(accepted);
    const result = { new: added, known: accepted.length - added, refused };
    this.events.inc({ result: 'new' }, result.new);
    this.events.inc({ result: 'known' }, result.known);
    this.events.inc({ result: 'refused' }, refused.length);
    return result;
  }
}
