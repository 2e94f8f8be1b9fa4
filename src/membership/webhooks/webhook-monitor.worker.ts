import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { ProcessorsService } from '../processors/processors.service.js';
import { type ReconciliationProgress, ReconciliationStore } from '../subscriptions/reconciliation.store.js';
import { type WebhookSilence, WebhookStore } from './webhook.store.js';

const EVERY_MS = 30_000;

/** Measures how long each processor has been silent. Safe on any number of worker nodes. */
@Injectable()
export class WebhookMonitorWorker extends PeriodicWorker {
  private silences: readonly WebhookSilence[] = [];
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
    const byProcessor = (read: (silence: WebhookSilence) => number) => () =>
      new Map(this.silences.map((silence) => [silence.processor, read(silence)]));
    metrics.gauges(
      'webhooks_silent_seconds',
      'Workers only. Since the last webhook of each processor that has ever sent one. Alarm when it is twice the usual silence and more than ten minutes: nobody pays, or webhooks do not arrive.',
      'max',
      'processor',
      byProcessor(({ silentSeconds }) => silentSeconds),
    );
    metrics.gauges(
      'webhooks_usual_silence_seconds',
      'Workers only. The longest silence between two webhooks in the last 24 hours, to five minutes.',
      'max',
      'processor',
      byProcessor(({ usualSeconds }) => usualSeconds),
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
    const silences: WebhookSilence[] = [];
    // One after the other: each reads an index 288 times.
    for (const name of this.processors.names()) silences.push(...(await this.webhooks.silence([name])));
    this.silences = silences;
    this.failing = await this.webhooks.failingSeconds(this.processors.names());
    this.walks = await this.reconciliation.progress();
  }
}
