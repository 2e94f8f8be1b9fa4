import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { QueueFull } from '../../platform/scheduling/batcher.js';
import { Problem } from '../../platform/http/problem.js';
import { jsonDeeperThan } from '../../platform/http/json-depth.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { type WebhookHeaders, ProcessorUnavailable } from '../processors/processor.js';
import { ProcessorRegistryService } from '../processors/processor-registry.service.js';
import { type WebhookId, WebhookStore } from './webhook.store.js';
import { WebhookApplicationService } from './webhook-application.service.js';

const MAX_DEPTH = 64;
const RETRY_AT_ONCE = 500;
const SIDE_BY_SIDE = 8;
/** A processor waits 10 to 20 s for an answer. What is stored is safe, so a slow API of its own must not use them up. */
const ANSWER_WITHIN_MS = 2_000;

/** From a processor's webhook to the membership: verified, stored, answered, applied. */
@Injectable()
export class WebhooksService {
  private readonly log = new Logger('webhooks');
  private readonly outcomes: Counter<'processor' | 'status'>;

  constructor(
    private readonly store: WebhookStore,
    private readonly application: WebhookApplicationService,
    private readonly processors: ProcessorRegistryService,
    metrics: MetricsService,
  ) {
    this.outcomes = metrics.counter('webhooks_total', 'Webhooks by what became of them', [
      'processor',
      'status',
    ]);
  }

  /**
   * Takes a webhook. Once this answers it is stored, and nothing is lost; usually it is applied too. Throws Problem
   * not_found, not_configured, signature_invalid, signature_stale, malformed_json, invalid_request, too_deep.
   */
  async receive(
    processorName: string,
    body: Buffer,
    headers: WebhookHeaders,
  ): Promise<{ duplicate: boolean }> {
    const processor = this.processors.get(processorName);
    if (jsonDeeperThan(body, MAX_DEPTH)) throw new Problem('too_deep');
    const webhook = await processor.verify(body, headers);
    const name = { processor: processor.name, eventId: webhook.eventId };
    const isNew = await this.store.store(processor.name, webhook);
    if (!isNew) this.count(name, 'duplicate');
    else if (!processor.api) await this.apply(name);
    else await firstOf(this.apply(name), ANSWER_WITHIN_MS);
    return { duplicate: !isNew };
  }

  /** Applies again what waited for these needs: `price:…`, `customer:…`, `subscription:…`. */
  async retryWaiting(needs: readonly string[]): Promise<void> {
    await this.applyAll(await this.store.waitingFor(needs, RETRY_AT_ONCE));
  }

  /** Applies what was stored and never settled. Answers how many were tried. */
  async retryUnfinished(): Promise<number> {
    const names = await this.store.unfinished(RETRY_AT_ONCE);
    await this.applyAll(names);
    return names.length;
  }

  /** In the processor's order: where it cannot be asked, one may need what the one before it said. */
  private async applyAll(names: readonly WebhookId[]): Promise<void> {
    for (const name of names.filter(({ processor }) => !this.canAsk(processor))) await this.apply(name);
    const rest = names.filter(({ processor }) => this.canAsk(processor));
    for (let first = 0; first < rest.length; first += SIDE_BY_SIDE)
      await Promise.all(rest.slice(first, first + SIDE_BY_SIDE).map((name) => this.apply(name)));
  }

  private canAsk(processor: string): boolean {
    return this.processors.find(processor)?.api !== undefined;
  }

  /** Never throws: the webhook is stored, and a later turn tries again. */
  private async apply(name: WebhookId): Promise<void> {
    try {
      const outcome = await this.application.apply(name);
      if (!outcome) return;
      this.count(name, outcome.status);
      if (outcome.status === 'applied' && outcome.subscriptionId !== undefined)
        await this.retryWaiting([`subscription:${outcome.subscriptionId}`]);
    } catch (error) {
      this.log.error(`webhook ${name.processor} ${name.eventId} was not applied: ${String(error)}`);
      if (!isOutage(error) && !(error instanceof QueueFull)) await this.markFailed(name, error);
    }
  }

  private async markFailed(name: WebhookId, error: unknown): Promise<void> {
    const reason = error instanceof ProcessorUnavailable ? 'processor_unavailable' : nameOf(error);
    this.count(name, 'failed');
    await this.application.fail(name, reason).catch((failure: unknown) => this.log.error(failure));
  }

  private count({ processor }: WebhookId, status: string): void {
    this.outcomes.inc({ processor, status });
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'unknown');

/** Waits for the work, or no longer than that; the work goes on. */
async function firstOf(work: Promise<void>, ms: number): Promise<void> {
  const enough = new AbortController();
  const patience = pause(ms, undefined, { signal: enough.signal }).catch(() => undefined);
  await Promise.race([work, patience]);
  enough.abort();
}
