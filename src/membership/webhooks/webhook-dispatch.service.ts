import { setTimeout } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { QueueFull } from '../../platform/scheduling/batcher.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { ProcessorBusy } from '../processors/processor.js';
import { ProcessorsService } from '../processors/processors.service.js';
import type { UpdateResult } from '../subscriptions/update-rules.js';
import { type ClaimedWebhook, groupBySubscription, type WebhookId } from './webhook.js';
import { WebhookApplicationService } from './webhook-application.service.js';
import { failureOf } from './webhook-failure.js';
import { WebhookQueueStore } from './webhook-queue.store.js';

/** Subscriptions that are asked for in parallel. */
const LOOKUP_CONCURRENCY = 8;
/** Customers whose webhooks are applied in parallel where nothing is asked: one connection of the lane's four stays free for events. */
const CONCURRENCY = 3;
/** Webhooks of one claim. Five rounds of 8 lookups, each of which waits for the budget and for the processor, 5 s at most. */
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

/** Applies stored webhooks: those that just came, those that were left over, those that waited. Records what became of each. */
@Injectable()
export class WebhookDispatchService {
  private readonly log = new Logger('webhooks');
  private readonly outcomes: Counter<'processor' | 'status'>;
  /** What this node has leased, and could not apply since PostgreSQL was away: at most what it has claimed at once. */
  private readonly interrupted = new Map<string, ClaimedWebhook[]>();

  constructor(
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

  countDuplicate(id: WebhookId): void {
    this.count(id, 'duplicate');
  }

  /** Applies a webhook that was just stored; where its processor is asked first, waits for that 2 s at most. Never throws. */
  async applyReceived(id: WebhookId): Promise<void> {
    const work = this.apply(id, () => this.application.applyReceived(id));
    await (this.hasApi(id) ? waitAtMost(RESPONSE_TIMEOUT_MS, work) : work);
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

  /** Applies stored webhooks; never throws. Returns how many failed, and adds those that an outage interrupted to the list. */
  private async applyAll(
    webhooks: readonly ClaimedWebhook[],
    interrupted?: ClaimedWebhook[],
  ): Promise<number> {
    const asked = groupBySubscription(webhooks.filter((one) => this.hasApi(one)));
    let failures = await this.applyGroups(asked, LOOKUP_CONCURRENCY, interrupted);
    const others = webhooks.filter((one) => !this.hasApi(one));
    try {
      const groups = await this.application.groupByCustomer(others);
      failures += await this.applyGroups(groups, CONCURRENCY, interrupted);
    } catch (error) {
      this.log.error(`webhooks were not applied: ${String(error)}`);
      interrupted?.push(...others);
      failures += others.length;
    }
    return failures;
  }

  /** Groups side by side, and the webhooks of each one after the other. */
  private async applyGroups(
    groups: readonly (readonly ClaimedWebhook[])[],
    concurrency: number,
    interrupted?: ClaimedWebhook[],
  ): Promise<number> {
    let failures = 0;
    const waiting = groups.values();
    const work = async () => {
      for (const group of waiting) failures += await this.applyGroup(group, interrupted);
    };
    await Promise.all(Array.from({ length: concurrency }, work));
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

  private hasApi({ processor }: WebhookId): boolean {
    return this.processors.findWithApi(processor) !== undefined;
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
