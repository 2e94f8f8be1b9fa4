import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { IdempotencyStore } from './idempotency.store.js';
import { PeriodicWorker } from '../../scheduling/periodic.worker.js';

const EVERY_MS = 60_000;
const KEEP_CALLS_MS = 24 * 3_600_000;

/** Removes what nobody needs any more. Any number of workers may do it at once. */
@Injectable()
export class IdempotencyCleanupWorker extends PeriodicWorker {
  constructor(
    private readonly calls: IdempotencyStore,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'housekeeping', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  protected async runOnce(): Promise<void> {
    await this.calls.expire(new Date(Date.now() - KEEP_CALLS_MS));
  }
}
