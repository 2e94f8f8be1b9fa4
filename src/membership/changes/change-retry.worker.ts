import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { ChangeExecutionService } from './change-execution.service.js';

const EVERY_MS = 1_000;
const AT_ONCE = 20;

/** A change that was accepted is carried out, whatever happened to the node that accepted it, or to the answer. */
@Injectable()
export class ChangeRetryWorker extends PeriodicWorker {
  constructor(
    private readonly execution: ChangeExecutionService,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'membership', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  protected async runOnce(): Promise<void> {
    await this.execution.resumeSome(AT_ONCE);
  }
}
