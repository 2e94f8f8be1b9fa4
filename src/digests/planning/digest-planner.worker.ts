import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { PlanningService } from './planning.service.js';

const EVERY_MS = 1_000;
/** Slices of one run: ten thousand users a second, so that a change of a digest for fifty million takes an hour and a half. */
const MAX_SLICES = 20;

/** Plans the users who must be planned. What is left is read from the tables each time, so a crash loses no progress. Runs on every worker. */
@Injectable()
export class DigestPlannerWorker extends PeriodicWorker {
  constructor(
    private readonly planning: PlanningService,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'digests', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  /** One run: at most so many slices of changed digests, and of plans for each digest. */
  async runOnce(): Promise<void> {
    for (let slice = 0; slice < MAX_SLICES; slice += 1) if (!(await this.planning.walkChanged())) break;
    for (const digest of await this.planning.listUnplanned())
      for (let slice = 0; slice < MAX_SLICES; slice += 1) if (!(await this.planning.plan(digest))) break;
  }
}
