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

const EVERY_MS: Record<DurableTier, number> = { critical: 250, important: 1_000 };
/** Commits in one statement. A busy moment's have 500 events each, a person's one: more would hold a connection of the lane for long. */
const AT_ONCE: Record<DurableTier, number> = { critical: 16, important: 8 };
/** Bounds a turn; what is left waits for the next one. */
const MAX_ROUNDS = 100;

/**
 * The clock: what has no receipt when the time for it has passed is pushed to the devices that sleep. No leader: `SKIP LOCKED`
 * shares the work. Each tier has its own loop and its own connections, so that a night's worth of important events holds up nothing
 * critical.
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
          EVERY_MS[tier],
          () => this.turn(tier),
          (error) => this.log.warn(`will try again: ${String(error)}`),
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

  /** What was seen on one device is taken away from the screens of the user's others. */
  private async clearElsewhere({ userId, deviceId, eventIds }: SeenEvents): Promise<void> {
    const cleared = await this.store.clearOnOtherDevices(userId, deviceId, eventIds);
    if (cleared > 0) this.bus.publish(pushesQueued, 'important');
  }

  private async turn(tier: DurableTier): Promise<void> {
    const ageMs = this.config.ACK_TIMEOUT_SECONDS * 1_000;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const { commits, pushes } = await this.store.enqueueDue(tier, ageMs, AT_ONCE[tier]);
      this.queued.inc({ tier }, pushes);
      if (pushes > 0) this.bus.publish(pushesQueued, tier);
      if (commits < AT_ONCE[tier]) return;
    }
  }
}
