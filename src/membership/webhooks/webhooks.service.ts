import { setTimeout } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { QueueFull } from '../../platform/scheduling/batcher.js';
import { Problem } from '../../platform/http/problem.js';
import { jsonDeeperThan } from '../../platform/http/json-depth.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { type Processor, ProcessorBusy, type WebhookHeaders } from '../processors/processor.js';
import { ProcessorsService } from '../processors/processors.service.js';
import type { UpdateResult } from '../subscriptions/update-rules.js';
import { type ClaimedWebhook, groupBySubscription, lookupOf, type WebhookId } from './webhook.js';
import { WebhookApplicationService } from './webhook-application.service.js';
import { failureOf } from './webhook-failure.js';
import { WebhookQueueStore } from './webhook-queue.store.js';
import { WebhookStore } from './webhook.store.js';

/** Nesting of a webhook's JSON; one that is deeper is refused before it is parsed. */
const MAX_DEPTH = 64;
/** Subscriptions that are asked for in parallel. */
const CONCURRENCY = 8;
/** Webhooks of one claim. Five rounds of 8, each of which waits for the budget and for the processor, 5 s at most. */
const BATCH_SIZE = 40;
const LEASE_SECONDS = 60;
/** Bounds one run; the rest is due in the next one. */
const MAX_BATCHES = 50;
/** Until a webhook comes up again for which the processor's budget had no request left. */
const BUSY_PAUSE_SECONDS = 10;
/** Processors wait 10 to 20 s for a response. The webhook is stored by then, so a slow API of theirs must not use this time up. */
const RESPONSE_TIMEOUT_MS = 2_000;

/** `interrupted`: nothing was marked, since PostgreSQL is away or overloaded. */
type Outcome = 'applied' | 'failed' | 'interrupted';

/** Receives processors' webhooks: verify, store, apply. */
@Injectable()
export class WebhooksService {
  private readonly log = new Logger('webhooks');
  private readonly outcomes: Counter<'processor' | 'status'>;
  /** What this node has leased, and could not apply since PostgreSQL was away: at most what it has claimed at once. */
  private readonly interrupted = new Map<string, ClaimedWebhook[]>();

  constructor(
    private readonly store: WebhookStore,
    private readonly queue: WebhookQueueStore,
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
    const lookup = processor.api && lookupOf(processor.read(JSON.parse(webhook.payload)));
    const isNew = await this.store.insert(processorName, webhook, lookup);
    if (!isNew) this.count(id, 'duplicate');
    else await this.applyReceived(id, processor);
    return { duplicate: !isNew };
  }

  private async applyReceived(id: WebhookId, { api }: Processor): Promise<void> {
    const work = this.apply(id, () => this.application.applyReceived(id));
    await (api ? waitAtMost(RESPONSE_TIMEOUT_MS, work) : work);
  }

  /** Wakes and applies what waits for any of these, which are there by now: `price:…`, `customer:…`. */
  async applyWaiting(needs: readonly string[]): Promise<void> {
    await this.applyAll(await this.application.wake(needs));
  }

  /** Applies what is due of that processor's webhooks, batch by batch, until nothing is due, or one fails. */
  async applyLeftOver(processor: string): Promise<void> {
    const before = this.interrupted.get(processor) ?? [];
    const interrupted: ClaimedWebhook[] = [];
    this.interrupted.set(processor, interrupted);
    if ((await this.applyAll(before, interrupted)) > 0) return;
    for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
      const claimed = await this.queue.claim(processor, BATCH_SIZE, LEASE_SECONDS);
      const failures = await this.applyAll(claimed, interrupted);
      if (claimed.length < BATCH_SIZE || failures > 0) return;
    }
  }

  /**
   * Applies stored webhooks; never throws. Returns how many failed, and adds those that an outage interrupted to the list. Where the processor has no API they go one by one, the oldest first,
   * since one may build on the one before it. Elsewhere each fetches the present state, so the order does not matter.
   */
  private async applyAll(
    webhooks: readonly ClaimedWebhook[],
    interrupted?: ClaimedWebhook[],
  ): Promise<number> {
    const hasApi = ({ processor }: ClaimedWebhook) => this.processors.findWithApi(processor) !== undefined;
    const inOrder = webhooks
      .filter((one) => !hasApi(one))
      .toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
    let failures = await this.applyGroup(inOrder, interrupted);
    const groups = groupBySubscription(webhooks.filter(hasApi));
    for (let first = 0; first < groups.length; first += CONCURRENCY) {
      const round = groups
        .slice(first, first + CONCURRENCY)
        .map((group) => this.applyGroup(group, interrupted));
      failures += (await Promise.all(round)).reduce((sum, failed) => sum + failed, 0);
    }
    return failures;
  }

  private async applyGroup(
    group: readonly ClaimedWebhook[],
    interrupted?: ClaimedWebhook[],
  ): Promise<number> {
    let failures = 0;
    for (const [n, webhook] of group.entries()) {
      const outcome = await this.apply(webhook, () => this.application.applyLeftOver(webhook));
      if (outcome === 'applied') continue;
      failures += 1;
      if (outcome === 'interrupted') interrupted?.push(...group.slice(n));
      // The next one would be the same lookup again, at a processor that has just failed.
      if (outcome === 'interrupted' || webhook.subscriptionId !== null) break;
    }
    return failures;
  }

  /** Never throws: the webhook is stored, and applied later. */
  private async apply(id: WebhookId, attempt: () => Promise<UpdateResult | undefined>): Promise<Outcome> {
    try {
      const result = await attempt();
      if (result) this.count(id, result.status);
      if (result?.woken?.length) await this.applyAll(result.woken);
      return 'applied';
    } catch (error) {
      this.log.error(`webhook ${id.processor} ${id.eventId} was not applied: ${String(error)}`);
      // With our own queue full, as in an outage of our own, nothing is marked: it is due again when its lease ends, at the latest.
      if (isOutage(error) || error instanceof QueueFull) return 'interrupted';
      await this.markFailed(id, error).catch((failure: unknown) => this.log.error(failure));
      return 'failed';
    }
  }

  private async markFailed(id: WebhookId, error: unknown): Promise<void> {
    if (error instanceof ProcessorBusy) return this.queue.postpone(id, 'rate_limited', BUSY_PAUSE_SECONDS);
    const status = await this.queue.fail(id, failureOf(error));
    if (status !== undefined) this.count(id, status);
  }

  private count({ processor }: WebhookId, status: string): void {
    this.outcomes.inc({ processor, status });
  }
}

/** Waits until the work ends, at most `ms`; the work goes on. */
async function waitAtMost(ms: number, work: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const timeout = setTimeout(ms, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([work, timeout]);
  timer.abort();
}
