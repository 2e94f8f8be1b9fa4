import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { PeriodicWorker } from '../platform/scheduling/periodic.worker.js';
import { MailboxStore } from './mailbox.store.js';

const EVERY_MS = 30_000;
const BATCH_SIZE = 1_000;
/** Bounds one run; the rest waits for the next one. Readers never see expired events, whether they are removed or not. */
const MAX_BATCHES = 50;

/** Removes expired events. Any number of nodes may do so at once. */
@Injectable()
export class MailboxExpiryWorker extends PeriodicWorker {
  constructor(
    private readonly store: MailboxStore,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'mailbox', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  protected async runOnce(): Promise<void> {
    for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
      if ((await this.store.deleteExpired(BATCH_SIZE)) < BATCH_SIZE) return;
    }
  }
}
