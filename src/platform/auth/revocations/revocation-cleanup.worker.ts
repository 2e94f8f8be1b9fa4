import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { PeriodicWorker } from '../../scheduling/periodic.worker.js';
import { RevocationStore } from './revocation.store.js';

const EVERY_MS = 60_000;
const BATCH_SIZE = 2_000;
/** So that a run ends; the next one goes on. Together 3,300 rows a second, where 50 M users make some 20. */
const MAX_BATCHES = 100;
/** The sign-in's clock says when a token was made, PostgreSQL's when it was revoked. */
const MARGIN_DAYS = 1;

/** Removes revocations when all tokens that they refuse have expired. Any number of workers may do it at the same time. */
@Injectable()
export class RevocationCleanupWorker extends PeriodicWorker {
  constructor(
    private readonly store: RevocationStore,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    super({ log: 'revocations', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  protected async runOnce(): Promise<void> {
    const days = this.config.AUTH_JWT_MAX_DAYS + MARGIN_DAYS;
    for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
      const removed = await this.store.expire(days, BATCH_SIZE);
      if (removed < BATCH_SIZE) return;
    }
  }
}
