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
/** Customers of one processor whose webhooks are applied in parallel where nothing is asked: events use the lane's four connections too. */
const CONCURRENCY = 3;
/**
 * Webhooks of one claim: three rounds of 8 lookups, each of which waits for the budget and for the processor, 5 s at most. A claim of 40 took up
 * to 0.1 s on a busy machine (docs/operate/capacity.md): each row is written again, and is in eight indexes.
 */
const BATCH_SIZE = 24;
const LEASE_SECONDS = 60;
/** Bounds one run; the rest is due in the next one. */
const MAX_BATCHES = 80;
/** Until a webhook comes up again for which the processor's budget had no request left. */
const BUSY_PAUSE_SECONDS = 10;
/** Processors wait 10 to 20 s for a response. The webhook is stored by then, so a slow API of theirs must not use this time up. */
const RESPONSE_TIMEOUT_MS = 2_000;

/** `interrupted`: nothing was marked, since PostgreSQL is away or overloaded. */
type Outcome = 'applied' | 'failed' | 'interrupted';

/** How many webhooks were not applied, and which of them were interrupted. */
interface Failures {
  readonly count: number;
  readonly interrupted: readonly ClaimedWebhook[];
}

const sum = (failures: readonly Failures[]): Failures => ({
  count: failures.reduce((total, { count }) => total + count, 0),
  interrupted: failures.flatMap(({ interrupted }) => interrupted),
});

/** Applies stored webhooks: those that just came, those that were left over, those that waited. Records what became of each. */
@Injectable()
export class WebhookDispatchService {
  private readonly log = new Logger('webhooks');
  private readonly outcomes: Counter<'processor' | 'status'>;
  /** What this node has leased, and could not apply since PostgreSQL was away: at most what it has claimed at once. */
  private readonly interrupted = new Map<string, readonly ClaimedWebhook[]>();

  constructor(
    private readonly queue: WebhookQueueStore,
    private readonly application: WebhookApplicationService,
    private readonly processors: ProcessorsService,
    metrics: MetricsService,
  ) {
    this.outcomes = metrics.counter(
      'webhooks_total',
      'Webhooks by what became of them. `waiting`: a plan or a link is missing. `failed`: read the log.',
      ['processor', 'status'],
    );
  }

  countDuplicate(id: WebhookId): void {
    this.count(id, 'duplicate');
  }

  /** Applies a webhook that was just stored; where its processor is asked first, waits for that 2 s at most. Never throws. */
  async applyReceived(id: WebhookId): Promise<void> {
    const work = this.apply(id, () => this.application.applyReceived(id));
    await (this.hasApi(id) ? waitAtMost(RESPONSE_TIMEOUT_MS, work) : work);
  }

  /** Applies a webhook that is leased to the caller; where its processor is asked first, waits for that 2 s at most. Never throws. */
  async applyNow(webhook: ClaimedWebhook): Promise<void> {
    await waitAtMost(RESPONSE_TIMEOUT_MS, this.applyAll([webhook]));
  }

  /** Wakes and applies what waits for any of these, which are there by now: `price:…`, `customer:…`. */
  async applyWaiting(needs: readonly string[]): Promise<void> {
    await this.applyAll(await this.application.wake(needs));
  }

  /** Applies what is due of that processor's webhooks, batch by batch, until nothing is due, or one fails. */
  async applyLeftOver(processor: string): Promise<void> {
    let batch = this.interrupted.get(processor) ?? [];
    for (let batches = 0; batches <= MAX_BATCHES; batches += 1) {
      const { count, interrupted } = await this.applyAll(batch);
      this.interrupted.set(processor, interrupted);
      if (count > 0 || (batches > 0 && batch.length < BATCH_SIZE)) return;
      batch = await this.queue.claim(processor, BATCH_SIZE, LEASE_SECONDS);
    }
  }

  /** Applies stored webhooks. Never throws. */
  private async applyAll(webhooks: readonly ClaimedWebhook[]): Promise<Failures> {
    const asked = groupBySubscription(webhooks.filter((one) => this.hasApi(one)));
    const others = webhooks.filter((one) => !this.hasApi(one));
    return sum([
      await this.applyGroups(asked, LOOKUP_CONCURRENCY),
      await this.application.groupByCustomer(others).then(
        (groups) => this.applyGroups(groups, CONCURRENCY),
        (error: unknown) => this.giveUp(others, error),
      ),
    ]);
  }

  /** Groups side by side, and the webhooks of each one after the other. */
  private async applyGroups(
    groups: readonly (readonly ClaimedWebhook[])[],
    concurrency: number,
  ): Promise<Failures> {
    const failures: Failures[] = [];
    const waiting = groups.values();
    const work = async () => {
      for (const group of waiting) failures.push(await this.applyGroup(group));
    };
    await Promise.all(Array.from({ length: concurrency }, work));
    return sum(failures);
  }

  private async applyGroup(group: readonly ClaimedWebhook[]): Promise<Failures> {
    let count = 0;
    for (const [n, webhook] of group.entries()) {
      const outcome = await this.apply(webhook, () => this.application.applyLeftOver(webhook));
      if (outcome === 'applied') continue;
      count += 1;
      if (outcome === 'interrupted') return { count, interrupted: group.slice(n) };
      // The next one would be the same lookup again, at a processor that has just failed.
      if (webhook.subscriptionId !== null) break;
    }
    return { count, interrupted: [] };
  }

  /** They could not even be read. */
  private giveUp(webhooks: readonly ClaimedWebhook[], error: unknown): Failures {
    this.log.error(`webhooks were not read: ${String(error)}`);
    return { count: webhooks.length, interrupted: isOutage(error) ? webhooks : [] };
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
