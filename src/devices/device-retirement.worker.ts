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
const AT_ONCE = 500;
/** Bounds a turn; what is left waits for the next one. */
const MAX_ROUNDS = 50;

/** Removes devices that nobody saw for most of a year. Any number of workers may do it at once. */
@Injectable()
export class DeviceRetirementWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('devices');
  private readonly loop = new Loop(
    EVERY_MS,
    () => this.turn(),
    (error) => this.log.warn(error),
  );

  constructor(
    private readonly store: DeviceStore,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (!this.config.ROLES.includes('worker')) return;
    await this.turn().catch((error: unknown) => this.log.warn(error));
    this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  private async turn(): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      if ((await this.store.retireUnseen(RETIRED_AFTER_DAYS, AT_ONCE)).length < AT_ONCE) return;
    }
  }
}
