import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { WebhooksService } from './webhooks.service.js';

const EVERY_MS = 2_000;

/** A webhook that was stored and answered must be applied, whatever happened to the node that took it. */
@Injectable()
export class WebhookRetryWorker extends PeriodicWorker {
  constructor(
    private readonly webhooks: WebhooksService,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'webhooks', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  protected async runOnce(): Promise<void> {
    await this.webhooks.retryUnfinished();
  }
}
