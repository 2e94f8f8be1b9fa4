import { Injectable, Logger } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Problem } from '../platform/http/problem.js';
import { deeperThan } from '../platform/json-depth.js';
import { Metrics } from '../platform/metrics.js';
import { Database } from '../platform/postgres/database.js';
import { isOutage } from '../platform/postgres/outage.js';
import { Memberships } from './membership.service.js';
import type { Processor } from './processor.js';
import { StripeProcessor } from './stripe/stripe.processor.js';
import { type WebhookName, WebhookStore } from './webhook.store.js';

const MAX_DEPTH = 64;
const RETRY_AT_ONCE = 500;

/** From a processor's webhook to the membership: verified, stored, answered, applied. */
@Injectable()
export class Webhooks {
  private readonly log = new Logger('webhooks');
  private readonly processors: ReadonlyMap<string, Processor>;
  private readonly outcomes: Counter<'processor' | 'status'>;

  constructor(
    private readonly store: WebhookStore,
    private readonly memberships: Memberships,
    private readonly database: Database,
    stripe: StripeProcessor,
    metrics: Metrics,
  ) {
    this.processors = new Map([[stripe.name, stripe]]);
    this.outcomes = metrics.counter('webhooks_total', 'Webhooks by what became of them', [
      'processor',
      'status',
    ]);
  }

  /**
   * Takes a webhook. Once this answers it is stored, and nothing is lost; usually it is applied too. Throws Problem
   * not_found, signature_invalid, signature_stale, too_deep.
   */
  async receive(
    processorName: string,
    body: Buffer,
    headers: Parameters<Processor['verify']>[1],
  ): Promise<{ duplicate: boolean }> {
    const processor = this.processor(processorName);
    if (deeperThan(body, MAX_DEPTH)) throw new Problem('too_deep');
    const webhook = processor.verify(body, headers);
    const isNew = await this.store.store(processor.name, webhook);
    if (!isNew) this.outcomes.inc({ processor: processor.name, status: 'duplicate' });
    else await this.apply({ processor: processor.name, eventId: webhook.eventId });
    return { duplicate: !isNew };
  }

  /** Applies again what waited for these needs: `price:…`, `customer:…`, `subscription:…`. */
  async retryWaiting(needs: readonly string[]): Promise<void> {
    for (const name of await this.store.waitingFor(needs, RETRY_AT_ONCE)) await this.apply(name);
  }

  /** Applies what was stored and never settled. Answers how many were tried. */
  async retryUnfinished(): Promise<number> {
    const names = await this.store.unfinished(RETRY_AT_ONCE);
    for (const name of names) await this.apply(name);
    return names.length;
  }

  /** Never throws: the webhook is stored, and a later turn tries again. */
  private async apply(name: WebhookName): Promise<void> {
    try {
      const subscriptionId = await this.applyOnce(name);
      if (subscriptionId !== undefined) await this.retryWaiting([`subscription:${subscriptionId}`]);
    } catch (error) {
      this.log.error(`webhook ${name.processor} ${name.eventId} was not applied: ${String(error)}`);
      if (!isOutage(error)) await this.markFailed(name, error);
    }
  }

  /** Answers the subscription that the webhook was applied to, if it was. */
  private applyOnce(name: WebhookName): Promise<string | undefined> {
    return this.database.transaction('critical', async (tx) => {
      const webhook = await this.store.lock(tx, name);
      if (!webhook || webhook.status === 'applied') return undefined;
      const word = this.processor(name.processor).read(webhook.payload);
      const source = { processor: name.processor, webhookId: name.eventId, reason: webhook.type };
      const settlement = await this.memberships.apply(tx, word, source);
      await this.store.settle(tx, name, settlement);
      this.outcomes.inc({ processor: name.processor, status: settlement.status });
      return settlement.status === 'applied' && word.about === 'subscription'
        ? word.subscriptionId
        : undefined;
    });
  }

  private async markFailed(name: WebhookName, error: unknown): Promise<void> {
    const reason = error instanceof Error ? error.name : 'unknown';
    await this.database
      .transaction('critical', (tx) => this.store.settle(tx, name, { status: 'failed', reason }))
      .catch((failure: unknown) => this.log.error(failure));
  }

  /** Throws Problem not_found. */
  processor(name: string): Processor {
    const processor = this.processors.get(name);
    if (!processor) throw new Problem('not_found', `There is no processor "${name}".`);
    return processor;
  }
}
