import { Inject, Injectable } from '@nestjs/common';
import { BudgetStore } from '../../platform/budgets/budget.store.js';
import { WorkBudget } from '../../platform/budgets/work-budget.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { isOutage, isStatementTimeout } from '../../platform/postgres/outage.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { SliceSizes } from '../../platform/scheduling/turns/slice-sizes.js';
import { CAMPAIGN_MOVES } from '../campaign-moves.js';
import { CampaignFailuresService } from '../failures/campaign-failures.service.js';
import { inTurn } from '../../platform/scheduling/turns/in-turn.js';
import { CampaignSendingService } from './campaign-sending.service.js';
import { CampaignSendingStore, type RunningCampaign, type SettledMember } from './campaign-sending.store.js';

const EVERY_MS = 1_000;
/** Members of one transaction. */
const SLICE = 100;
/** Slices of one run: five thousand members a second on each node. */
const MAX_SLICES = 50;

/** Sends campaigns to their members, as many as CAMPAIGN_MEMBERS_PER_SECOND allows all nodes together. Any number of workers may do so at once. */
@Injectable()
export class CampaignWorker extends PeriodicWorker {
  private readonly budget;
  private readonly settled;
  private readonly sizes = new SliceSizes(SLICE);
  /** The campaign whose turn was last. */
  private last = '';

  constructor(
    private readonly store: CampaignSendingStore,
    private readonly sending: CampaignSendingService,
    private readonly failures: CampaignFailuresService,
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

  /** One run: a slice of each campaign in turn, as long as the budget allows. */
  async runOnce(): Promise<void> {
    if (!(await this.store.hasRunning())) return;
    const turns = inTurn(await this.store.running(), this.last);
    for (let slice = 0; slice < MAX_SLICES; slice += 1) {
      const campaign = turns.shift();
      const granted = campaign ? await this.budget.take(this.sizes.of(campaign.name)) : 0;
      if (!campaign || granted === 0) break;
      this.last = campaign.name;
      const settled = await this.runTurn(campaign, granted);
      if (settled === granted) turns.push(campaign);
    }
    await this.store.finish(CAMPAIGN_MOVES.finish.running);
  }

  /** Returns how many members were settled. What was granted to the others is given back. */
  private async runTurn(campaign: RunningCampaign, granted: number): Promise<number> {
    let settled = 0;
    try {
      settled = (await this.failures.attempt(campaign, () => this.runSlice(campaign, granted))) ?? 0;
    } finally {
      await this.budget.giveBack(granted - settled);
    }
    return settled;
  }

  /**
   * A member who fails alone does not hold up the others: a slice that fails is made smaller, and one that fails alone is put off. A slice that took too long
   * is made smaller at the campaign's turn in the next run, since the other campaigns have waited for it.
   */
  private async runSlice(campaign: RunningCampaign, limit: number): Promise<number> {
    try {
      const settled = await this.sending.sendSlice(campaign, limit);
      this.sizes.grow(campaign.name);
      this.count(settled);
      return settled.length;
    } catch (error) {
      if (isOutage(error) && !isStatementTimeout(error)) throw error;
      if (limit > 1 && isStatementTimeout(error)) {
        this.sizes.shrink(campaign.name, limit);
        this.log.warn(`${limit} members of the campaign ${campaign.name} took too long: ${String(error)}`);
        return 0;
      }
      if (limit > 1) return this.runSlice(campaign, Math.ceil(limit / 2));
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
