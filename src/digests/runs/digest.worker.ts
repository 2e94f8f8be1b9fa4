import { Inject, Injectable } from '@nestjs/common';
import { BudgetStore } from '../../platform/budgets/budget.store.js';
import { WorkBudget } from '../../platform/budgets/work-budget.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { isOutage, isStatementTimeout } from '../../platform/postgres/outage.js';
import { inTurn } from '../../platform/scheduling/turns/in-turn.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { SliceSizes } from '../../platform/scheduling/turns/slice-sizes.js';
import { ClockService } from '../clock.service.js';
import { DigestPlanStore, type DueDigest } from '../planning/digest-plan.store.js';
import type { SettledRun } from './digest-run.store.js';
import { DigestRunsService } from './digest-runs.service.js';

const EVERY_MS = 1_000;
/** Digests that are made in one transaction. */
const SLICE = 100;
/** Slices of one run for each digest that is due: then it is looked which ones are due now. */
const MAX_SLICES = 50;

/** Makes the digests that are due, as many as DIGESTS_PER_SECOND allows all nodes together. Any number of workers may do so at once. */
@Injectable()
export class DigestWorker extends PeriodicWorker {
  private readonly budget;
  private readonly made;
  private readonly events;
  private readonly late;
  private readonly sizes = new SliceSizes(SLICE);
  /** The digest whose turn was last. */
  private last = '';

  constructor(
    private readonly plans: DigestPlanStore,
    private readonly runs: DigestRunsService,
    budgets: BudgetStore,
    private readonly clock: ClockService,
    @Inject(CONFIG) config: Config,
    metrics: MetricsService,
  ) {
    super({ log: 'digests', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
    this.budget = new WorkBudget(budgets, 'digests', config.DIGESTS_PER_SECOND);
    this.made = metrics.counter(
      'digests_total',
      'Workers only. Digests that were due: `handed_off`, `empty` (nothing had happened), `skipped` (by the preferences).',
      ['state'],
    );
    const counts = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
    this.events = metrics.histogram(
      'digest_events',
      'Workers only. Events of a digest that was handed off; they are counted up to 5,000, so the last bucket holds the outliers.',
      [],
      counts,
    );
    const seconds = [1, 5, 30, 60, 300, 900, 1_800, 3_600, 21_600];
    this.late = metrics.histogram(
      'digest_late_seconds',
      'Workers only. From due to handed off. Its p99 grows: more are due than `DIGESTS_PER_SECOND` allows, or workers stand still.',
      [],
      seconds,
    );
  }

  /** One run: a slice of each digest in turn, as long as the budget allows. */
  async runOnce(): Promise<void> {
    const turns = inTurn(await this.plans.listDue(this.clock.now()), this.last);
    for (let slices = turns.length * MAX_SLICES; slices > 0; slices -= 1) {
      const digest = turns.shift();
      if (!digest) return;
      const wanted = this.sizes.of(digest.name);
      const granted = await this.budget.take(wanted);
      if (granted === 0) return;
      this.last = digest.name;
      const claimed = await this.runTurn(digest, granted);
      if (granted < wanted) return;
      if (claimed === granted) turns.push(digest);
    }
  }

  /** Returns how many plans were claimed; what was granted to others is given back. A digest that fails gets no further turn in this run. */
  private async runTurn(digest: DueDigest, granted: number): Promise<number> {
    let claimed = 0;
    try {
      claimed = await this.runSlice(digest, granted);
    } catch (error) {
      if (isOutage(error) && !isStatementTimeout(error)) throw error;
      if (isStatementTimeout(error)) this.sizes.shrink(digest.name, granted);
      this.log.error(error, `the digest ${digest.name} cannot be made for ${granted} users`);
    } finally {
      await this.budget.giveBack(granted - claimed);
    }
    return claimed;
  }

  /**
   * A user's digest that fails by itself does not hold up the others: a slice that fails is made smaller, and one that fails alone is put off. Throws when the
   * slice took too long: to try smaller ones at once would keep the other digests waiting.
   */
  private async runSlice(digest: DueDigest, limit: number): Promise<number> {
    try {
      const { claimed, runs } = await this.runs.runDue(digest, limit);
      this.sizes.grow(digest.name);
      this.count(runs);
      return claimed;
    } catch (error) {
      if (isOutage(error) && !(limit === 1 && isStatementTimeout(error))) throw error;
      if (limit > 1) return this.runSlice(digest, Math.ceil(limit / 2));
      this.log.error(
        error,
        `the digest ${digest.name} of user ${await this.runs.postponeFirst(digest)} failed`,
      );
      return 1;
    }
  }

  private count(runs: readonly SettledRun[]): void {
    const now = this.clock.now().getTime();
    for (const { state, events, dueAt } of runs) {
      this.made.inc({ state });
      if (state !== 'handed_off') continue;
      this.events.observe(events);
      this.late.observe(Math.max(0, now - Date.parse(dueAt)) / 1_000);
    }
  }
}
