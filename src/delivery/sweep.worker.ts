import { Inject, Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { CONFIG, type Config } from '../platform/config/config.js';
import { BatchSize } from '../platform/scheduling/batch-size.js';
import { PeriodicWorker } from '../platform/scheduling/periodic.worker.js';
import { MetricsService } from '../platform/metrics/metrics.service.js';
import { Database } from '../platform/postgres/database.js';
import type { DurableTier } from '../platform/tiers.js';
import { DispatcherService } from './dispatcher.service.js';
import { HandoffStore } from '../mailbox/handoff/handoff.store.js';

const EVERY_MS: Record<DurableTier, number> = { critical: 500, important: 500 };
/** A node that is alive settles within milliseconds. What is older is dispatched by whichever node finds it. */
const OVERDUE_MS = 1_000;
/**
 * Handoffs in one transaction, which is short: each costs three reads by index, of pages that nobody has read for long. Superseded ones cost
 * little, and come by the hundred.
 */
const BATCH = { min: 10, max: 500, slowMs: 15 };
/** Events in one transaction: they are in memory at once, and the rows are locked until all are sent. */
const MAX_EVENTS = 2_000;
/** Bounds one run; the rest waits for the next one. */
const MAX_BATCHES = 1_000;

/**
 * Dispatches events that were committed but not dispatched, because their node died in between. Every worker node sweeps; no leader is
 * needed, since rows that another node has locked are skipped. Each tier has a loop and database connections of its own, so that what an
 * outage of the important lane left behind delays nothing critical.
 */
@Injectable()
export class SweepWorker extends PeriodicWorker<DurableTier> {
  private readonly swept: Counter;
  private readonly sizes: Record<DurableTier, BatchSize> = {
    critical: new BatchSize(BATCH),
    important: new BatchSize(BATCH),
  };

  constructor(
    private readonly database: Database,
    private readonly handoffs: HandoffStore,
    private readonly dispatcher: DispatcherService,
    @Inject(CONFIG) config: Config,
    metrics: MetricsService,
  ) {
    super({ log: 'sweep', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
    this.swept = metrics.counter(
      'swept_total',
      'Events that were committed, not dispatched, and found by the sweep. It grows: nodes died, or Redis was away.',
    );
  }

  protected async runOnce(tier: DurableTier): Promise<void> {
    // Each batch would be claimed and rolled back, again and again; meanwhile nodes read the mailbox for their devices.
    if (!this.dispatcher.isReady) return;
    const due = { consumer: 'delivery', tier, olderThanMs: OVERDUE_MS } as const;
    if (!(await this.handoffs.hasDue(due))) return;
    const size = this.sizes[tier];
    for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
      const { events, isDrained } = await this.database.transaction(tier, async (tx) => {
        const claim = { ...due, limit: size.current, maxEvents: MAX_EVENTS };
        const startedAt = performance.now();
        const overdue = await this.handoffs.claim(tx, claim);
        size.record(performance.now() - startedAt);
        await this.dispatcher.dispatch(overdue.events);
        return overdue;
      });
      this.swept.inc(events.length);
      if (isDrained) return;
    }
  }
}
