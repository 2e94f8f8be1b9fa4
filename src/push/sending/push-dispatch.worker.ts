import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PushLaneWorker } from './push-lane.worker.js';
import { PROVIDERS, pushesQueued } from '../queue/push.js';
import { PushBatchesService } from './push-batches.service.js';

/**
 * Sends what is due: a lane for each vendor and tier, so that neither a vendor that hangs nor a campaign holds up anything else. Any
 * number of workers may do it at once (claim.sql).
 */
@Injectable()
export class PushDispatchWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('push');
  private readonly lanes: readonly PushLaneWorker[];

  constructor(
    rounds: PushBatchesService,
    private readonly bus: EventBusService,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    const onError = (error: unknown): void => this.log.warn(`will try again: ${String(error)}`);
    this.lanes = PROVIDERS.flatMap((vendor) => [
      new PushLaneWorker(rounds, vendor, 'critical', onError),
      new PushLaneWorker(rounds, vendor, 'important', onError),
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
