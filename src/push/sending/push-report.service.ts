import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Counter } from 'prom-client';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Loop } from '../../platform/scheduling/loop.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { secondsToSend } from './budget.js';
import { BudgetsService } from './budgets.service.js';
import { type ProviderName, PROVIDERS } from '../queue/push.js';
import { PushStore, type SettledPush } from '../queue/push.store.js';

const EVERY_MS = 15_000;
/** How long it can be told what became of a push. */
const KEEP_DAYS = 30;
const FORGET_AT_ONCE = 2_000;

/** How the pushes are getting on: for metrics and the forecast. Removes what is too old to be asked for. */
@Injectable()
export class PushReportService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('push');
  private readonly outcomes: Counter<'vendor' | 'tier' | 'state' | 'reason'>;
  private backlog: ReadonlyMap<string, number> = new Map();
  private readonly loop = new Loop(
    EVERY_MS,
    () => this.turn(),
    (error) => this.log.warn(error),
  );

  constructor(
    private readonly store: PushStore,
    private readonly budgets: BudgetsService,
    @Inject(CONFIG) private readonly config: Config,
    metrics: MetricsService,
  ) {
    this.outcomes = metrics.counter(
      'push_total',
      'What became of pushes; queued: they are tried or looked at again',
      ['vendor', 'tier', 'state', 'reason'],
    );
    metrics.gauges(
      'push_backlog_seconds',
      'How long what waits for a vendor takes at the rate that it allows',
      'vendor',
      () => this.backlog,
    );
  }

  onApplicationBootstrap(): void {
    if (this.config.ROLES.includes('worker')) this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  count(vendor: ProviderName, settled: readonly SettledPush[]): void {
    for (const [{ tier }, { state, reason = '' }] of settled)
      this.outcomes.inc({ vendor, tier, state, reason });
  }

  /** What waits for each vendor, and when it is through if nothing comes in between. */
  async forecast() {
    const waiting = await this.store.backlog();
    const now = Date.now();
    return PROVIDERS.map((vendor) => {
      const of = (tier: string): number =>
        waiting.find((one) => one.vendor === vendor && one.tier === tier)?.waiting ?? 0;
      const critical = of('critical');
      const important = of('important');
      const budget = this.budgets.of(vendor);
      const seconds = secondsToSend(critical + important, budget);
      const throughAt = new Date(now + seconds * 1_000).toISOString();
      return { vendor, perSecond: budget.perSecond, waiting: { critical, important }, seconds, throughAt };
    });
  }

  private async turn(): Promise<void> {
    const forecast = await this.forecast();
    this.backlog = new Map(forecast.map(({ vendor, seconds }) => [vendor, seconds]));
    await this.store.deleteSettled(KEEP_DAYS, FORGET_AT_ONCE);
  }
}
