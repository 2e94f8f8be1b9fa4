import { setTimeout } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { QueueFull } from '../../platform/scheduling/batcher.js';
import { Problem } from '../../platform/http/problem.js';
import { jsonDeeperThan } from '../../platform/http/json-depth.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { type WebhookHeaders, ProcessorUnavailable } from '../processors/processor.js';
import { ProcessorsService } from '../processors/processors.service.js';
import { type WebhookId, WebhookStore } from './webhook.store.js';
import { WebhookApplicationService } from './webhook-application.service.js';

/** Nesting of a webhook's JSON; one that is deeper is refused before it is parsed. */
const MAX_DEPTH = 64;
/** Waiting webhooks that are applied at once when what they need appears; the retry worker applies the rest. */
const MAX_WAITING = 500;
/** Webhooks that are applied in parallel, where their processor has an API. */
const CONCURRENCY = 8;
/** Processors wait 10 to 20 s for a response. The webhook is stored by then, so a slow API of theirs must not use this time up. */
const RESPONSE_TIMEOUT_MS = 2_000;

/** Receives processors' webhooks: verify, store, apply. */
@Injectable()
export class WebhooksService {
  private readonly log = new Logger('webhooks');
  private readonly outcomes: Counter<'processor' | 'status'>;

  constructor(
    private readonly store: WebhookStore,
    private readonly application: WebhookApplicationService,
    private readonly processors: ProcessorsService,
    metrics: MetricsService,
  ) {
    this.outcomes = metrics.counter('webhooks_total', 'Webhooks by what became of them', [
      'processor',
      'status',
    ]);
  }

  /**
   * Receives a webhook. When this returns, the webhook is stored and will be applied; usually it is applied already. `duplicate`: it
   * was stored before. Throws Problem not_found, not_configured, signature_invalid, signature_stale, malformed_json,
   * invalid_request, too_deep.
   */
  async receive(
    processorName: string,
    body: Buffer,
    headers: WebhookHeaders,
  ): Promise<{ duplicate: boolean }> {
    const processor = this.processors.get(processorName);
    if (jsonDeeperThan(body, MAX_DEPTH)) throw new Problem('too_deep');
    const webhook = await processor.verify(body, headers);
    const id = { processor: processorName, eventId: webhook.eventId };
    const isNew = await this.store.insert(processorName, webhook);
    if (!isNew) this.count(id, 'duplicate');
    else if (!processor.api) await this.apply(id);
    else await waitAtMost(RESPONSE_TIMEOUT_MS, this.apply(id));
    return { duplicate: !isNew };
  }

  /** Applies the webhooks that wait for any of these needs: `price:…`, `customer:…`, `subscription:…`. */
  async applyWaiting(needs: readonly string[]): Promise<void> {
    await this.applyAll(await this.store.listWaitingFor(needs, MAX_WAITING));
  }

  /**
   * Applies stored webhooks; never throws. Where the processor has no API they go one by one in the given order (oldest first), since one
   * may build on the one before it. Elsewhere each fetches the present state, so the order does not matter.
   */
  async applyAll(ids: readonly WebhookId[]): Promise<void> {
    for (const id of ids.filter(({ processor }) => !this.hasApi(processor))) await this.apply(id);
    const fetching = ids.filter(({ processor }) => this.hasApi(processor));
    for (let first = 0; first < fetching.length; first += CONCURRENCY)
      await Promise.all(fetching.slice(first, first + CONCURRENCY).map((id) => this.apply(id)));
  }

  private hasApi(processor: string): boolean {
    return this.processors.findApi(processor) !== undefined;
  }

  /** Never throws: the webhook is stored, and the retry worker applies it later. */
  private async apply(id: WebhookId): Promise<void> {
    try {
      const outcome = await this.application.apply(id);
      if (!outcome) return;
      this.count(id, outcome.status);
      if (outcome.status === 'applied' && outcome.subscriptionId !== undefined)
        await this.applyWaiting([`subscription:${outcome.subscriptionId}`]);
    } catch (error) {
      this.log.error(`webhook ${id.processor} ${id.eventId} was not applied: ${String(error)}`);
      if (!isOutage(error) && !(error instanceof QueueFull)) await this.markFailed(id, error);
    }
  }

  private async markFailed(id: WebhookId, error: unknown): Promise<void> {
    const reason = error instanceof ProcessorUnavailable ? 'processor_unavailable' : nameOf(error);
    this.count(id, 'failed');
    await this.application.markFailed(id, reason).catch((failure: unknown) => this.log.error(failure));
  }

  private count({ processor }: WebhookId, status: string): void {
    this.outcomes.inc({ processor, status });
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'unknown');

/** Waits until the work ends, at most `ms`; the work goes on. */
async function waitAtMost(ms: number, work: Promise<void>): Promise<void> {
  const timer = new AbortController();
  const timeout = setTimeout(ms, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([work, timeout]);
  timer.abort();
}
