import { Inject, Injectable } from '@nestjs/common';
import { BudgetStore } from '../../platform/budgets/budget.store.js';
import { WorkBudget } from '../../platform/budgets/work-budget.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { ClockService } from '../clock.service.js';
import { DigestPlanStore, type DueDigest } from '../planning/digest-plan.store.js';
import type { SettledRun } from './digest-run.store.js';
import { DigestRunsService } from './digest-runs.service.js';

const EVERY_MS = 1_000;
/** Digests that are made in one transaction. */
const SLICE = 100;
/** Slices of one digest in one run: then it is the turn of the next one. */
const MAX_SLICES = 50;

/** Makes the digests that are due, as many as DIGESTS_PER_SECOND allows all nodes together. Any number of workers may do so at once. */
@Injectable()
export class DigestWorker extends PeriodicWorker {
  private readonly budget;
  private readonly made;
  private readonly events;
  private readonly late;

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

  /** One run: slices of each digest that is due. */
  async runOnce(): Promise<void> {
    for (const digest of await this.plans.listDue(this.clock.now())) await this.runDigest(digest);
  }

  private async runDigest(digest: DueDigest): Promise<void> {
    for (let slice = 0; slice < MAX_SLICES; slice += 1) {
      const granted = await this.budget.take(SLICE);
      const claimed = granted > 0 ? await this.runSlice(digest, granted) : 0;
      await this.budget.giveBack(granted - claimed);
      if (claimed < SLICE) return;
    }
  }

  /** A digest that fails by itself does not hold up the others: a slice that fails is made smaller, and one that fails alone is put off. */
  private async runSlice(digest: DueDigest, limit: number): Promise<number> {
    try {
      const { claimed, runs } = await this.runs.runDue(digest, limit);
      this.count(runs);
      return claimed;
    } catch (error) {
      if (isOutage(error)) throw error;
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
