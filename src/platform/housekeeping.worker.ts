import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { CONFIG, type Config } from './config/config.js';
import { IdempotencyStore } from './http/idempotency.store.js';
import { Loop } from './loop.js';

const EVERY_MS = 60_000;
const KEEP_CALLS_MS = 24 * 3_600_000;

/** Removes what nobody needs any more. Any number of workers may do it at once. */
@Injectable()
export class Housekeeping implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('housekeeping');
  private readonly loop = new Loop(
    EVERY_MS,
    async () => void (await this.calls.expire(new Date(Date.now() - KEEP_CALLS_MS))),
    (error) => this.log.warn(error),
  );

  constructor(
    private readonly calls: IdempotencyStore,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.ROLES.includes('worker')) this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }
}
