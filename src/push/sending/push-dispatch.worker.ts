import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { PUSH_PROVIDERS, type PushProviderDefinition } from '../providers/push-provider.js';
import { pushesQueued } from '../queue/push.js';
import { PushBatchesService } from './push-batches.service.js';
import { PushLaneWorker } from './push-lane.worker.js';

/**
 * Sends pushes that are due: a lane for each provider and tier, so that neither a provider that hangs nor a campaign delays anything else.
 * Any number of processes may do so at once (claim-pushes.sql).
 */
@Injectable()
export class PushDispatchWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('push');
  private readonly lanes: readonly PushLaneWorker[];

  constructor(
    batches: PushBatchesService,
    private readonly bus: EventBusService,
    @Inject(PUSH_PROVIDERS) providers: readonly PushProviderDefinition[],
    @Inject(CONFIG) private readonly config: Config,
  ) {
    const onError = (error: unknown): void =>
      this.log.warn(`a batch failed, its pushes are retried: ${String(error)}`);
    this.lanes = providers.flatMap(({ name }) => [
      new PushLaneWorker(batches, name, 'critical', onError),
      new PushLaneWorker(batches, name, 'important', onError),
    ]);
  }

  onApplicationBootstrap(): void {
    if (!this.config.ROLES.includes('worker')) return;
    for (const lane of this.lanes) lane.start();
    this.bus.subscribe(pushesQueued, (tier) => {
      for (const lane of this.lanes) if (lane.tier === tier) lane.wake();
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.stop()));
  }
}
