import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/postgres/database.js';
import { LookupService } from '../subscriptions/lookup.service.js';
import { MembershipService, type FetchedUpdate } from '../membership.service.js';
import { ProcessorRegistryService } from '../processors/processor-registry.service.js';
import { type WebhookSettlement, type StoredWebhook, type WebhookId, WebhookStore } from './webhook.store.js';

/** What became of a webhook, and which subscription it spoke of. */
export interface WebhookOutcome extends WebhookSettlement {
  readonly subscriptionId?: string | undefined;
}

/** Applies one stored webhook, once. */
@Injectable()
export class WebhookApplicationService {
  constructor(
    private readonly store: WebhookStore,
    private readonly processors: ProcessorRegistryService,
    private readonly lookups: LookupService,
    private readonly memberships: MembershipService,
    private readonly database: Database,
  ) {}

  /** Undefined when there is nothing to do any more. Throws ProcessorUnavailable, BatcherFull, an outage. */
  async apply(name: WebhookId): Promise<WebhookOutcome | undefined> {
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
  fail(name: WebhookId, reason: string): Promise<void> {
    return this.database.transaction('critical', (tx) =>
      this.store.settle(tx, name, { status: 'failed', reason }),
    );
  }

  /**
   * Where the processor can be asked, a webhook only says of which subscription something is to be learnt. An end is final,
   * whatever the processor would answer, and nobody should watch on because its API is slow. And if it knows no such
   * subscription (a key of another account?), what was signed is still true.
   */
  private async word({ processor: name, payload }: StoredWebhook): Promise<FetchedUpdate> {
    const processor = this.processors.get(name);
    const word = processor.read(payload);
    if (word.about === 'other' || !processor.api) return word;
    if (word.about === 'subscription' && word.ended) return word;
    return (await this.lookups.fetch(processor.api, word.subscriptionId)) ?? word;
  }
}
