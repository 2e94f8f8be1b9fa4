import { Inject, Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { CONFIG, type Config } from '../platform/config/config.js';
import { PeriodicWorker } from '../platform/scheduling/periodic.worker.js';
import { MetricsService } from '../platform/metrics/metrics.service.js';
import { Database } from '../platform/postgres/database.js';
import { DispatcherService } from './dispatcher.service.js';
import { HandoffStore } from '../mailbox/handoff/handoff.store.js';

const EVERY_MS = 500;
/** A node that is alive settles within milliseconds. What is older is dispatched by whichever node finds it. */
const OVERDUE_MS = 1_000;
/** Handoffs in one transaction. */
const BATCH_SIZE = 20;
/** Bounds one run; the rest waits for the next one. */
const MAX_BATCHES = 20;

/**
 * Dispatches events that were committed but not dispatched, because their node died in between. Every worker node sweeps; no leader is
 * needed, since rows that another node has locked are skipped.
 */
@Injectable()
export class SweepWorker extends PeriodicWorker {
  private readonly swept: Counter;

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
      'Events that were committed, not dispatched, and found by the sweep',
    );
  }

  protected async runOnce(): Promise<void> {
    for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
      const count = await this.database.transaction('critical', async (tx) => {
        const overdue = await this.handoffs.claim(tx, {
          consumer: 'delivery',
          olderThanMs: OVERDUE_MS,
          limit: BATCH_SIZE,
        });
        await this.dispatcher.dispatch(overdue);
        return overdue.length;
      });
      this.swept.inc(count);
      if (count === 0) return;
    }
  }
}
