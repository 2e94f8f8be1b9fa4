import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { CampaignStartService } from './campaign-start.service.js';
import { FreezingService } from './freezing.service.js';

const EVERY_MS = 1_000;
/** Campaigns that begin in one run, and slices: fifty thousand users a second. */
const MAX_STARTS = 10;
const MAX_SLICES = 50;

/** Has campaigns begin and freezes their members. What is left is read from the tables each time, so a crash loses no progress. */
@Injectable()
export class FreezingWorker extends PeriodicWorker {
  constructor(
    private readonly starts: CampaignStartService,
    private readonly freezing: FreezingService,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'campaigns', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  /** One run. */
  async runOnce(): Promise<void> {
    for (let start = 0; start < MAX_STARTS; start += 1) if (!(await this.starts.startDue())) break;
    for (let slice = 0; slice < MAX_SLICES; slice += 1) if (!(await this.freezing.freezeSlice())) break;
    await this.freezing.markFrozen();
  }
}
