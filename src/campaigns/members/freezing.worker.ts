import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { CampaignFailuresService } from '../failures/campaign-failures.service.js';
import { inTurn } from '../../platform/scheduling/turns/in-turn.js';
import { CampaignStartService } from './campaign-start.service.js';
import { FreezingService } from './freezing.service.js';

const EVERY_MS = 1_000;
/** Campaigns that begin in one run, and slices: fifty thousand users a second. */
const MAX_STARTS = 10;
const MAX_SLICES = 50;

/** Has campaigns begin and freezes their members. What is left is read from the tables each time, so a crash loses no progress. */
@Injectable()
export class FreezingWorker extends PeriodicWorker {
  /** The campaign whose turn was last. */
  private last = '';

  constructor(
    private readonly starts: CampaignStartService,
    private readonly freezing: FreezingService,
    private readonly failures: CampaignFailuresService,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'campaigns', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
  }

  /** One run: campaigns whose time has come, and slices of the members of each in turn. */
  async runOnce(): Promise<void> {
    if (!(await this.freezing.hasWork())) return;
    for (const due of await this.starts.due(MAX_STARTS))
      await this.failures.attempt(due, () => this.starts.start(due.name));
    await this.freeze();
    await this.freezing.markFrozen();
  }

  private async freeze(): Promise<void> {
    const turns = inTurn(await this.freezing.campaigns(), this.last);
    for (let slice = 0; slice < MAX_SLICES; slice += 1) {
      const campaign = turns.shift();
      if (!campaign) return;
      this.last = campaign.name;
      const hasMore = await this.failures.attempt(campaign, () => this.freezing.freezeSlice(campaign.name));
      if (hasMore) turns.push(campaign);
    }
  }
}
