import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Counter } from 'prom-client';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Loop } from '../platform/loop.js';
import { Metrics } from '../platform/metrics.js';
import { Database } from '../platform/postgres/database.js';
import { Delivery } from './delivery.service.js';
import { HandoffStore } from './handoff.store.js';

const EVERY_MS = 500;
/** A living node settles within milliseconds. After this, its events are told by whoever finds them. */
const OVERDUE_MS = 1_000;
const AT_ONCE = 20;
const MAX_ROUNDS = 20;

/** Finds what was committed and never told, because its node died in between. No leader: `SKIP LOCKED` shares the work. */
@Injectable()
export class Sweep implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('sweep');
  private readonly found: Counter;
  private readonly loop = new Loop(
    EVERY_MS,
    () => this.turn(),
    (error) => this.log.warn(`will try again: ${String(error)}`),
  );

  constructor(
    private readonly database: Database,
    private readonly handoffs: HandoffStore,
    private readonly delivery: Delivery,
    @Inject(CONFIG) private readonly config: Config,
    metrics: Metrics,
  ) {
    this.found = metrics.counter(
      'swept_total',
      'Events that were committed, not told, and found by the sweep',
    );
  }

  onApplicationBootstrap(): void {
    if (this.config.ROLES.includes('worker')) this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  private async turn(): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const swept = await this.database.transaction('critical', async (tx) => {
        const overdue = await this.handoffs.claim(tx, OVERDUE_MS, AT_ONCE);
        await this.delivery.tell(overdue);
        return overdue.length;
      });
      this.found.inc(swept);
      if (swept === 0) return;
    }
  }
}
