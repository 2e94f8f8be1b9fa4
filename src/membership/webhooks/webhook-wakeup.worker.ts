import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { WebhookQueueStore } from './webhook-queue.store.js';

const EVERY_MS = 2_000;
/** Bounds one run; the rest is woken in the next one. */
const MAX_BATCHES = 50;

/** Wakes what waited for a plan or a link when more webhooks did than are woken at once. */
@Injectable()
export class WebhookWakeupWorker extends PeriodicWorker {
  constructor(
    private readonly queue: WebhookQueueStore,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'webhooks', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  protected async runOnce(): Promise<void> {
    if (!(await this.queue.hasWakeups())) return;
    for (let batch = 0; batch < MAX_BATCHES; batch += 1) if (!(await this.queue.wakeMore())) return;
  }
}
