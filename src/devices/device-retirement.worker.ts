import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Loop } from '../platform/scheduling/loop.js';
import { RETIRED_AFTER_DAYS } from './device.js';
import { DeviceStore } from './device.store.js';

const EVERY_MS = 10 * 60_000;
const BATCH_SIZE = 500;
/** Bounds one run; the rest waits for the next one. */
const MAX_BATCHES = 50;

/**
 * Removes devices that were not connected for most of a year. Any number of nodes may do so at once. It also runs at boot: a node that is
 * restarted more often than every ten minutes would never do it otherwise.
 */
@Injectable()
export class DeviceRetirementWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('devices');
  private readonly loop = new Loop(
    EVERY_MS,
    () => this.runOnce(),
    (error) => this.log.warn(error),
  );

  constructor(
    private readonly store: DeviceStore,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (!this.config.ROLES.includes('worker')) return;
    await this.runOnce().catch((error: unknown) => this.log.warn(error));
    this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  private async runOnce(): Promise<void> {
    for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
      if ((await this.store.retireUnseen(RETIRED_AFTER_DAYS, BATCH_SIZE)).length < BATCH_SIZE) return;
    }
  }
}
