import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Repeated } from '../platform/repeated.js';
import { Webhooks } from './webhooks.service.js';

const EVERY_MS = 2_000;

/** A webhook that was stored and answered must be applied, whatever happened to the node that took it. */
@Injectable()
export class WebhookRetry extends Repeated {
  constructor(
    private readonly webhooks: Webhooks,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'webhooks', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  protected async turn(): Promise<void> {
    await this.webhooks.retryUnfinished();
  }
}
