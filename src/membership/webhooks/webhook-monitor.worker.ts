import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { ProcessorsService } from '../processors/processors.service.js';
import { type ReconciliationProgress, ReconciliationStore } from '../subscriptions/reconciliation.store.js';
import { WebhookStore } from './webhook.store.js';

const EVERY_MS = 30_000;
/** It reads an index 288 times for each processor, and changes within hours. */
const USUAL_SILENCE_EVERY_MS = 600_000;

/** Measures how long each processor has been silent. Safe on any number of worker nodes. */
@Injectable()
export class WebhookMonitorWorker extends PeriodicWorker {
  private silent: ReadonlyMap<string, number> = new Map();
  private readonly usual = new Map<string, number>();
  private usualFrom = Number.NEGATIVE_INFINITY;
  private failing: ReadonlyMap<string, number> = new Map();
  private walks: readonly ReconciliationProgress[] = [];

  constructor(
    private readonly webhooks: WebhookStore,
    private readonly reconciliation: ReconciliationStore,
    private readonly processors: ProcessorsService,
    metrics: MetricsService,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'webhooks', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
    metrics.gauges(
      'webhooks_silent_seconds',
      'Workers only. Since the last webhook of each processor that has ever sent one. Alarm when it is twice the usual silence and more than ten minutes: nobody pays, or webhooks do not arrive.',
      'max',
      'processor',
      () => this.silent,
    );
    metrics.gauges(
      'webhooks_usual_silence_seconds',
      'Workers only. The longest silence between two webhooks in the last 24 hours, to five minutes.',
      'max',
      'processor',
      () => this.usual,
    );
    metrics.gauges(
      'webhooks_failing_seconds',
      'Workers only. Since the oldest webhook came that could not be applied so far. Alarm above 900 for some minutes; right after a plan or a link was created, what had waited for it counts until it is applied. `GET /v1/webhooks?status=failed` has the reason: the processor is away (`processor_unavailable`, also a wrong key), does not know the subscription (`unknown_at_processor`), or a fault of Usher.',
      'max',
      'processor',
      () => this.failing,
    );
    metrics.gauges(
      'reconciliation_age_seconds',
      'Workers only. Since all subscriptions were last compared with the processor. It grows beyond what the walk needs: the processor does not respond, or its budget is small.',
      'max',
      'processor',
      () => new Map(this.walks.map(({ processor, ageSeconds }) => [processor, ageSeconds])),
    );
    metrics.gauges(
      'reconciliation_per_day',
      'Workers only. Subscriptions that the present walk compares in a day, at its pace so far. Less than there are: a walk takes longer than a day.',
      'max',
      'processor',
      () => new Map(this.walks.map(({ processor, perDay }) => [processor, perDay])),
    );
  }

  protected async runOnce(): Promise<void> {
    const names = this.processors.names();
    this.silent = await this.webhooks.silentSeconds(names);
    this.failing = await this.webhooks.failingSeconds(names);
    this.walks = await this.reconciliation.progress();
    await this.readUsualSilence([...this.silent.keys()]);
  }

  private async readUsualSilence(names: readonly string[]): Promise<void> {
    const isNew = names.some((name) => !this.usual.has(name));
    if (!isNew && monotonicNow() < this.usualFrom + USUAL_SILENCE_EVERY_MS) return;
    this.usualFrom = monotonicNow();
    for (const name of names) {
      const seconds = (await this.webhooks.usualSilenceSeconds([name])).get(name);
      if (seconds !== undefined) this.usual.set(name, seconds);
    }
  }
}
