import { Inject, Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { CONFIG, type Config } from '../platform/config/config.js';
import { PeriodicWorker } from '../platform/scheduling/periodic.worker.js';
import { MetricsService } from '../platform/metrics/metrics.service.js';
import { Database } from '../platform/postgres/database.js';
import { DispatcherService } from './dispatcher.service.js';
import { HandoffStore } from '../mailbox/handoff/handoff.store.js';

const EVERY_MS = 500;
/** A living node settles within milliseconds. After this, its events are told by whoever finds them. */
const OVERDUE_MS = 1_000;
const AT_ONCE = 20;
const MAX_ROUNDS = 20;

/** Finds what was committed and never told, because its node died in between. No leader: `SKIP LOCKED` shares the work. */
@Injectable()
export class SweepWorker extends PeriodicWorker {
  private readonly found: Counter;

  constructor(
    private readonly database: Database,
    private readonly handoffs: HandoffStore,
    private readonly delivery: DispatcherService,
    @Inject(CONFIG) config: Config,
    metrics: MetricsService,
  ) {
    super({ log: 'sweep', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
    this.found = metrics.counter(
      'swept_total',
      'Events that were committed, not told, and found by the sweep',
    );
  }

  protected async runOnce(): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const swept = await this.database.transaction('critical', async (tx) => {
        const overdue = await this.handoffs.claim(tx, {
          consumer: 'delivery',
          olderThanMs: OVERDUE_MS,
          limit: AT_ONCE,
        });
        await this.delivery.dispatch(overdue);
        return overdue.length;
      });
      this.found.inc(swept);
      if (swept === 0) return;
    }
  }
}
