import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Bell } from '../delivery/bell.service.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { PushLane } from './lane.worker.js';
import { VENDORS } from './push.js';
import { Rounds } from './rounds.service.js';

/**
 * Sends what is due: a lane for each vendor and tier, so that neither a vendor that hangs nor a campaign holds up anything else. Any
 * number of workers may do it at once (claim.sql).
 */
@Injectable()
export class Dispatch implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('push');
  private readonly lanes: readonly PushLane[];

  constructor(
    rounds: Rounds,
    private readonly bell: Bell,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    const onError = (error: unknown): void => this.log.warn(`will try again: ${String(error)}`);
    this.lanes = VENDORS.flatMap((vendor) => [
      new PushLane(rounds, vendor, 'critical', onError),
      new PushLane(rounds, vendor, 'important', onError),
    ]);
  }

  onApplicationBootstrap(): void {
    if (!this.config.ROLES.includes('worker')) return;
    for (const lane of this.lanes) lane.start();
    this.bell.listen((rung) => {
      for (const lane of this.lanes) if (lane.tier === rung) lane.wake();
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.stop()));
  }
}
