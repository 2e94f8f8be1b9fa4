import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { WebhookStore } from './webhook.store.js';
import { WebhooksService } from './webhooks.service.js';

const EVERY_MS = 2_000;
const BATCH_SIZE = 500;

/** Applies webhooks that were stored but never settled, whatever happened to the node that received them. */
@Injectable()
export class WebhookRetryWorker extends PeriodicWorker {
  constructor(
    private readonly store: WebhookStore,
    private readonly webhooks: WebhooksService,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'webhooks', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  protected async runOnce(): Promise<void> {
    await this.webhooks.applyAll(await this.store.listUnfinished(BATCH_SIZE));
  }
}
