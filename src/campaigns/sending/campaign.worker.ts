import { Inject, Injectable } from '@nestjs/common';
import { BudgetStore } from '../../platform/budgets/budget.store.js';
import { WorkBudget } from '../../platform/budgets/work-budget.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import type { CompiledTemplate } from '../../templates/content/compiled-template.js';
import { CAMPAIGN_MOVES } from '../campaign-moves.js';
import { CampaignChecksService } from '../definitions/campaign-checks.service.js';
import { CampaignSendingService } from './campaign-sending.service.js';
import { CampaignSendingStore, type RunningCampaign, type SettledMember } from './campaign-sending.store.js';

const EVERY_MS = 1_000;
/** Members who are told in one transaction. */
const SLICE = 100;
/** Slices of one campaign in one run: then it is the turn of the next one. */
const MAX_SLICES = 50;

/** Tells the members of campaigns, as many as CAMPAIGN_MEMBERS_PER_SECOND allows all nodes together. Any number of workers may do so at once. */
@Injectable()
export class CampaignWorker extends PeriodicWorker {
  private readonly budget;
  private readonly settled;

  constructor(
    private readonly store: CampaignSendingStore,
    private readonly sending: CampaignSendingService,
    private readonly checks: CampaignChecksService,
    budgets: BudgetStore,
    @Inject(CONFIG) config: Config,
    metrics: MetricsService,
  ) {
    super({ log: 'campaigns', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
    this.budget = new WorkBudget(budgets, 'campaigns', config.CAMPAIGN_MEMBERS_PER_SECOND);
    this.settled = metrics.counter(
      'campaign_members_total',
      'Workers only. Members of campaigns whose turn came: `queued`, by channel, or `skipped`, by reason. `template_data_invalid` grows: a list lacks values that the template needs.',
      ['state', 'detail'],
    );
  }

  /** One run: slices of each campaign that runs. */
  async runOnce(): Promise<void> {
    for (const campaign of await this.store.running())
      await this.runCampaign(campaign).catch((error: unknown) => {
        // A campaign that fails as a whole does not hold up the others.
        if (isOutage(error)) throw error;
        this.log.error(error, `the campaign ${campaign.name} cannot go on`);
      });
    await this.store.finish(CAMPAIGN_MOVES.finish.running);
  }

  private async runCampaign(campaign: RunningCampaign): Promise<void> {
    const template = await this.checks.templateOf(campaign.body);
    for (let slice = 0; slice < MAX_SLICES; slice += 1) {
      const granted = await this.budget.take(SLICE);
      const claimed = granted > 0 ? await this.runSlice(campaign, template, granted) : 0;
      await this.budget.giveBack(granted - claimed);
      if (claimed < SLICE) return;
    }
  }

  /** A member who fails alone does not hold up the others: a slice that fails is made smaller, and one that fails alone is put off. */
  private async runSlice(
    campaign: RunningCampaign,
    template: CompiledTemplate,
    limit: number,
  ): Promise<number> {
    try {
      const settled = await this.sending.sendSlice(campaign, template, limit);
      this.count(settled);
      return settled.length;
    } catch (error) {
      if (isOutage(error)) throw error;
      if (limit > 1) return this.runSlice(campaign, template, Math.ceil(limit / 2));
      const userId = await this.sending.postponeFirst(campaign);
      this.log.error(error, `the campaign ${campaign.name} failed for the user ${userId}`);
      return 1;
    }
  }

  private count(settled: readonly SettledMember[]): void {
    for (const one of settled)
      this.settled.inc({ state: one.state, detail: one.state === 'queued' ? one.channel : one.reason });
  }
}
