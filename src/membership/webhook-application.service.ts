import { Injectable } from '@nestjs/common';
import { Database } from '../platform/postgres/database.js';
import { Lookups } from './lookup.service.js';
import { Memberships, type Told } from './membership.service.js';
import { Processors } from './processors.service.js';
import { type Settlement, type StoredWebhook, type WebhookName, WebhookStore } from './webhook.store.js';

/** What became of a webhook, and which subscription it spoke of. */
export interface Outcome extends Settlement {
  readonly subscriptionId?: string | undefined;
}

/** Applies one stored webhook, once. */
@Injectable()
export class WebhookApplication {
  constructor(
    private readonly store: WebhookStore,
    private readonly processors: Processors,
    private readonly lookups: Lookups,
    private readonly memberships: Memberships,
    private readonly database: Database,
  ) {}

  /** Undefined when there is nothing to do any more. Throws ProcessorUnavailable, BatcherFull, an outage. */
  async apply(name: WebhookName): Promise<Outcome | undefined> {
    const found = await this.store.read(name);
    if (!found || found.status === 'applied') return undefined;
    const word = await this.word(found);
    return this.database.transaction('critical', async (tx) => {
      const webhook = await this.store.lock(tx, name);
      if (!webhook || webhook.status === 'applied') return undefined;
      const source = { processor: name.processor, webhookId: name.eventId, reason: webhook.type };
      const settlement = await this.memberships.apply(tx, word, source);
      await this.store.settle(tx, name, settlement);
      return { ...settlement, ...(word.about === 'subscription' && { subscriptionId: word.subscriptionId }) };
    });
  }

  /** It will be tried again later. */
  fail(name: WebhookName, reason: string): Promise<void> {
    return this.database.transaction('critical', (tx) =>
      this.store.settle(tx, name, { status: 'failed', reason }),
    );
  }

  /**
   * Where the processor can be asked, a webhook only says of which subscription something is to be learnt. An end is final,
   * whatever the processor would answer, and nobody should watch on because its API is slow. And if it knows no such
   * subscription (a key of another account?), what was signed is still true.
   */
  private async word({ processor: name, payload }: StoredWebhook): Promise<Told> {
    const processor = this.processors.get(name);
    const word = processor.read(payload);
    if (word.about === 'other' || !processor.api) return word;
    if (word.about === 'subscription' && word.ended) return word;
    return (await this.lookups.fetch(processor.api, word.subscriptionId)) ?? word;
  }
}
