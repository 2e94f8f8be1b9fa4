import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { ChangeExecutionService } from './change-execution.service.js';
import { ChangeStore } from './change.store.js';

const EVERY_MS = 1_000;
const BATCH_SIZE = 20;

/** Executes pending changes whose node died, or whose last attempt failed: a change that was accepted is executed or refused. */
@Injectable()
export class ChangeRetryWorker extends PeriodicWorker {
  constructor(
    private readonly store: ChangeStore,
    private readonly execution: ChangeExecutionService,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'membership', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  protected async runOnce(): Promise<void> {
    const changes = await this.store.claim(BATCH_SIZE);
    await Promise.all(changes.map((change) => this.execution.execute(change)));
  }
}
