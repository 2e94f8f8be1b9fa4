import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { LaneWorker } from '../../platform/sending/lane.worker.js';
import type { DurableTier } from '../../platform/tiers.js';
import { PUSH_PROVIDERS, type PushProviderDefinition } from '../providers/push-provider.js';
import { pushesQueued } from '../queue/push.js';
import { PushStore } from '../queue/push.store.js';
import { PushBatchesService } from './push-batches.service.js';

/** For pushes that another node queued, or that are due again. Those that this node queues are sent at once. */
const INTERVAL_MS: Record<DurableTier, number> = { critical: 500, important: 1_000 };

/**
 * Sends pushes that are due: a lane for each provider and tier, so that neither a provider that hangs nor a campaign delays anything else.
 * Any number of processes may do so at once (claim-pushes.sql).
 */
@Injectable()
export class PushDispatchWorker extends PeriodicWorker<DurableTier> implements OnModuleInit {
  private readonly lanes: readonly LaneWorker[];
  private readonly isWorker: boolean;

  constructor(
    batches: PushBatchesService,
    private readonly store: PushStore,
    private readonly bus: EventBusService,
    @Inject(PUSH_PROVIDERS) providers: readonly PushProviderDefinition[],
    @Inject(CONFIG) config: Config,
  ) {
    const isWorker = config.ROLES.includes('worker');
    super({ log: 'push', everyMs: INTERVAL_MS, runs: isWorker });
    this.isWorker = isWorker;
    const onError = (error: unknown): void =>
      this.log.warn(`a batch failed, its pushes are retried: ${String(error)}`);
    const laneOf = (provider: string, tier: DurableTier) =>
      new LaneWorker({ provider, tier, claim: (limit) => batches.claim(provider, tier, limit) }, onError);
    this.lanes = providers.flatMap(({ name }) => [laneOf(name, 'critical'), laneOf(name, 'important')]);
  }

  onModuleInit(): void {
    if (!this.isWorker) return;
    this.bus.subscribe(pushesQueued, (tier) => {
      for (const one of this.lanes) if (one.lane.tier === tier) one.wake();
    });
  }

  override async onApplicationBootstrap(): Promise<void> {
    if (this.isWorker) for (const lane of this.lanes) lane.start();
    await super.onApplicationBootstrap();
  }

  override async onApplicationShutdown(): Promise<void> {
    await super.onApplicationShutdown();
    await Promise.all(this.lanes.map((lane) => lane.stop()));
  }

  protected async runOnce(tier: DurableTier): Promise<void> {
    const due = await this.store.listDueProviders(tier);
    for (const one of this.lanes) if (one.lane.tier === tier && due.includes(one.lane.provider)) one.wake();
  }
}
