import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { ProcessorRegistryService } from '../processors/processor-registry.service.js';
import { ReconciliationStore } from '../subscriptions/reconciliation.store.js';
import { type WebhookSilence, WebhookStore } from './webhook.store.js';

const EVERY_MS = 30_000;
/** What a webhook said is personal data; by then what followed from it stands in the history, and disputes are over. */
const KEEP_WEBHOOKS_MS = 90 * 86_400_000;
const REMOVE_AT_ONCE = 1_000;

/** Watches whether the processors are still heard of, and forgets what they said long ago. Any number of workers may. */
@Injectable()
export class WebhookMonitorWorker extends PeriodicWorker {
  private silences: readonly WebhookSilence[] = [];
  private walks: ReadonlyMap<string, number> = new Map();

  constructor(
    private readonly webhooks: WebhookStore,
    private readonly reconciliation: ReconciliationStore,
    private readonly processors: ProcessorRegistryService,
    metrics: MetricsService,
    @Inject(CONFIG) config: Config,
  ) {
    super({ log: 'webhooks', everyMs: EVERY_MS, runs: config.ROLES.includes('worker') });
    const each = (read: (silence: WebhookSilence) => number) => () =>
      new Map(this.silences.map((silence) => [silence.processor, read(silence)]));
    metrics.gauges(
      'webhooks_silent_seconds',
      'Since the last webhook of a processor that was ever heard of',
      'processor',
      each(({ silentSeconds }) => silentSeconds),
    );
    metrics.gauges(
      'webhooks_usual_silence_seconds',
      'The longest silence between two webhooks in the last 24 hours',
      'processor',
      each(({ usualSeconds }) => usualSeconds),
    );
    metrics.gauges(
      'reconciliation_age_seconds',
      'Since all subscriptions were last compared with the processor',
      'processor',
      () => this.walks,
    );
  }

  protected async runOnce(): Promise<void> {
    this.silences = await this.webhooks.silence(this.processors.all().map(({ name }) => name));
    this.walks = await this.reconciliation.ages();
    await this.webhooks.deleteSettled(new Date(Date.now() - KEEP_WEBHOOKS_MS), REMOVE_AT_ONCE);
  }
}
