import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { PeriodicWorker } from '../../scheduling/periodic.worker.js';
import { IdempotencyStore } from './idempotency.store.js';

const EVERY_MS = 60_000;
/** How long a call can be repeated (docs/CONTRACT.md, "HTTP"). */
const KEEP_MS = 24 * 3_600_000;

/** Removes idempotent calls after a day. Any number of workers may do it at the same time. */
@Injectable()
export class IdempotencyCleanupWorker extends PeriodicWorker {
  constructor(
    private readonly store: IdempotencyStore,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'idempotency', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  protected async runOnce(): Promise<void> {
    await this.store.expire(new Date(Date.now() - KEEP_MS));
  }
}
