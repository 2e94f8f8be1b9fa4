import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { HandoffStore } from '../../mailbox/handoff/handoff.store.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import type { DurableTier } from '../../platform/tiers.js';
import { pushesQueued } from './push.js';
import { PushStore } from './push.store.js';
import { eventsSeen, type SeenEvents } from '../../delivery/receipts/receipt.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';

const INTERVAL_MS: Record<DurableTier, number> = { critical: 250, important: 1_000 };
/** Commits in one statement. Under load a commit has up to 500 events: with more commits a statement would hold its connection for long. */
const BATCH_SIZE: Record<DurableTier, number> = { critical: 16, important: 8 };
/** Batches in one run; what is left waits for the next run. */
const MAX_BATCHES = 100;

/**
 * Queues pushes of events that lack a receipt ACK_TIMEOUT_SECONDS after their commit, for devices that are not connected. There is no
 * leader: `SKIP LOCKED` shares the work among workers. Each tier has a loop and database connections of its own, so that a large import of
 * important events delays nothing critical.
 */
@Injectable()
export class PushSchedulerWorker extends PeriodicWorker<DurableTier> implements OnModuleInit {
  private readonly queued: Counter<'tier'>;

  constructor(
    private readonly store: PushStore,
    private readonly handoffs: HandoffStore,
    private readonly bus: EventBusService,
    @Inject(CONFIG) private readonly config: Config,
    metrics: MetricsService,
  ) {
    super({ log: 'push-scheduler', everyMs: INTERVAL_MS, runs: config.ROLES.includes('worker') });
    this.queued = metrics.counter(
      'push_fallbacks_total',
      'Pushes that were queued because no receipt came in time; it follows how many devices are not connected.',
      ['tier'],
    );
  }

  onModuleInit(): void {
    this.bus.subscribe(eventsSeen, (seen) => this.clearElsewhere(seen));
  }

  /** Removes the notifications of events that were seen on one device from the user's other devices. */
  private async clearElsewhere({ userId, deviceId, eventIds }: SeenEvents): Promise<void> {
    const cleared = await this.store.clearOnOtherDevices(userId, deviceId, eventIds);
    if (cleared > 0) this.bus.publish(pushesQueued, 'important');
  }

  protected async runOnce(tier: DurableTier): Promise<void> {
    const ageMs = this.config.ACK_TIMEOUT_SECONDS * 1_000;
    // The statement that queues is large: planning it for each new connection costs more than all else that an idle node asks.
    if (!(await this.handoffs.hasDue({ consumer: 'push', tier, olderThanMs: ageMs }))) return;
    for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
      const { commits, pushes } = await this.store.enqueueDue(tier, ageMs, BATCH_SIZE[tier]);
      this.queued.inc({ tier }, pushes);
      if (pushes > 0) this.bus.publish(pushesQueued, tier);
      if (commits < BATCH_SIZE[tier]) return;
    }
  }
}
