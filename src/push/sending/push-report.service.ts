import { Inject, Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { PushStore, type SettledPush } from '../queue/push.store.js';
import { PauseStore } from '../pauses/pause.store.js';
import { secondsToSend } from './budget.js';
import { BudgetsService } from './budgets.service.js';
import type { ProviderForecast } from './forecast.schema.js';

const INTERVAL_MS = 15_000;

/** Reports what became of pushes and how many wait, for metrics and the forecast. */
@Injectable()
export class PushReportService extends PeriodicWorker {
  private readonly settled: Counter<'vendor' | 'tier' | 'state' | 'reason'>;
  /** Seconds until the backlog of each provider is sent. */
  private backlogSeconds: ReadonlyMap<string, number> = new Map();
  /** 1 for each provider whose pushes are held back, 0 for the others. */
  private paused: ReadonlyMap<string, number> = new Map();

  constructor(
    private readonly store: PushStore,
    private readonly budgets: BudgetsService,
    private readonly pauses: PauseStore,
    @Inject(CONFIG) config: Config,
    metrics: MetricsService,
  ) {
    super({ log: 'push', everyMs: INTERVAL_MS, runs: config.ROLES.includes('worker') });
    this.settled = metrics.counter(
      'push_total',
      'What became of pushes. `queued`: they are sent or decided again later. `failed`: a message that no provider accepts, `not_configured`, or `internal`: Usher could not decide about it or render it, and its log says why. `expired` grows: they are sent too late.',
      ['vendor', 'tier', 'state', 'reason'],
    );
    metrics.gauges(
      'push_backlog_seconds',
      'Workers only. Seconds until the waiting pushes of a provider are sent at its rate; `GET /v1/push/forecast` returns the time.',
      'max',
      'vendor',
      () => this.backlogSeconds,
    );
    metrics.gauges(
      'push_paused',
      'Workers only. 1: an operator holds the pushes of the provider back.',
      'max',
      'vendor',
      () => this.paused,
    );
  }

  /** Counts what became of these pushes of a provider. */
  countSettled(provider: string, settled: readonly SettledPush[]): void {
    for (const [{ tier }, { state, reason = '' }] of settled)
      this.settled.inc({ vendor: provider, tier, state, reason });
  }

  /** Returns what waits for each provider, and when it is sent if nothing is queued meanwhile. */
  async forecast(): Promise<ProviderForecast[]> {
    const backlog = await this.store.backlog();
    const now = Date.now();
    return [...this.budgets.all].map(([provider, budget]) => {
      const count = (tier: string): number =>
        backlog.find((one) => one.provider === provider && one.tier === tier)?.waiting ?? 0;
      const waiting = { critical: count('critical'), important: count('important') };
      const seconds = secondsToSend(waiting.critical + waiting.important, budget);
      const throughAt = new Date(now + seconds * 1_000).toISOString();
      return { vendor: provider, perSecond: budget.perSecond, waiting, seconds, throughAt };
    });
  }

  protected async runOnce(): Promise<void> {
    const [forecast, pauses] = await Promise.all([this.forecast(), this.pauses.list()]);
    const held = new Set(pauses.map(({ vendor }) => vendor));
    this.paused = new Map(forecast.map(({ vendor }) => [vendor, Number(held.has(vendor))]));
    this.backlogSeconds = new Map(forecast.map(({ vendor, seconds }) => [vendor, seconds]));
  }
}
