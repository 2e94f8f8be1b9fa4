import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import type { Counter } from 'prom-client';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Loop } from '../../platform/scheduling/loop.js';
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
export class PushSchedulerWorker implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('fallback');
  private readonly queued: Counter<'tier'>;
  private readonly loops: Loop[];

  constructor(
    private readonly store: PushStore,
    private readonly bus: EventBusService,
    @Inject(CONFIG) private readonly config: Config,
    metrics: MetricsService,
  ) {
    this.queued = metrics.counter('push_fallbacks_total', 'Pushes queued because no receipt came in time', [
      'tier',
    ]);
    this.loops = (['critical', 'important'] as const).map(
      (tier) =>
        new Loop(
          INTERVAL_MS[tier],
          () => this.run(tier),
          (error) => this.log.warn(`pushes were not queued, retrying: ${String(error)}`),
        ),
    );
  }

  onModuleInit(): void {
    this.bus.subscribe(eventsSeen, (seen) => this.clearElsewhere(seen));
  }

  onApplicationBootstrap(): void {
    if (this.config.ROLES.includes('worker')) for (const loop of this.loops) loop.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }

  /** Removes the notifications of events that were seen on one device from the user's other devices. */
  private async clearElsewhere({ userId, deviceId, eventIds }: SeenEvents): Promise<void> {
    const cleared = await this.store.clearOnOtherDevices(userId, deviceId, eventIds);
    if (cleared > 0) this.bus.publish(pushesQueued, 'important');
  }

  private async run(tier: DurableTier): Promise<void> {
    const ageMs = this.config.ACK_TIMEOUT_SECONDS * 1_000;
    for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
      const { commits, pushes } = await this.store.enqueueDue(tier, ageMs, BATCH_SIZE[tier]);
      this.queued.inc({ tier }, pushes);
      if (pushes > 0) this.bus.publish(pushesQueued, tier);
      if (commits < BATCH_SIZE[tier]) return;
    }
  }
}
