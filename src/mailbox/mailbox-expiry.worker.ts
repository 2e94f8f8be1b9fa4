import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { PeriodicWorker } from '../platform/scheduling/periodic.worker.js';
import { MailboxStore } from './mailbox.store.js';

const EVERY_MS = 30_000;
const AT_ONCE = 1_000;
/** Bounds a turn; what is left waits for the next one. Readers never see expired events, removed or not. */
const MAX_ROUNDS = 50;

/** Removes expired events. Any number of workers may do it at once. */
@Injectable()
export class MailboxExpiryWorker extends PeriodicWorker {
  constructor(
    private readonly store: MailboxStore,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'mailbox', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  protected async runOnce(): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      if ((await this.store.deleteExpired(AT_ONCE)) < AT_ONCE) return;
    }
  }
}
