import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Loop } from '../platform/loop.js';
import { Webhooks } from './webhooks.service.js';

const EVERY_MS = 2_000;

/** A webhook that was stored and answered must be applied, whatever happened to the node that took it. */
@Injectable()
export class WebhookRetry implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('webhooks');
  private readonly loop = new Loop(
    EVERY_MS,
    async () => void (await this.webhooks.retryUnfinished()),
    (error) => this.log.warn(`will try again: ${String(error)}`),
  );

  constructor(
    private readonly webhooks: Webhooks,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.ROLES.includes('worker')) this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }
}
