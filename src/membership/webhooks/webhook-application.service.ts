import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/postgres/database.js';
import { ProcessorsService } from '../processors/processors.service.js';
import { SubscriptionFetchService } from '../subscriptions/subscription-fetch.service.js';
import { SubscriptionUpdateService } from '../subscriptions/subscription-update.service.js';
import type { FetchedUpdate, UpdateResult } from '../subscriptions/update-rules.js';
import { type StoredWebhook, type WebhookId, WebhookStore } from './webhook.store.js';

/** What became of a webhook; with the subscription, when it contained or led to its state. */
export interface WebhookOutcome extends UpdateResult {
  readonly subscriptionId?: string | undefined;
}

/** Applies one stored webhook. One that was applied is never applied again, whoever retries it. */
@Injectable()
export class WebhookApplicationService {
  constructor(
    private readonly store: WebhookStore,
    private readonly processors: ProcessorsService,
    private readonly fetches: SubscriptionFetchService,
    private readonly updates: SubscriptionUpdateService,
    private readonly database: Database,
  ) {}

  /** Returns undefined when the webhook was applied before. Throws ProcessorUnavailable, QueueFull, or an outage. */
  async apply(id: WebhookId): Promise<WebhookOutcome | undefined> {
    const stored = await this.store.get(id);
    if (!stored || stored.status === 'applied') return undefined;
    const update = await this.toUpdate(stored);
    return this.database.transaction('critical', async (tx) => {
      const webhook = await this.store.lock(tx, id);
      if (!webhook || webhook.status === 'applied') return undefined;
      const source = { processor: id.processor, webhookId: id.eventId, reason: webhook.type };
      const result = await this.updates.apply(tx, update, source);
      await this.store.settle(tx, id, result);
      return { ...result, ...(update.kind === 'subscription' && { subscriptionId: update.subscriptionId }) };
    });
  }

  /** Settles the webhook as failed; it is retried later. */
  markFailed(id: WebhookId, reason: string): Promise<void> {
    return this.database.transaction('critical', (tx) =>
      this.store.settle(tx, id, { status: 'failed', reason }),
    );
  }

  /**
   * Where the processor has an API, a webhook only names the subscription to fetch. Two exceptions: an end is final whatever the API
   * would return, and a slow API must not keep access open; and when the API knows no such subscription (an API key of another
   * account?), the signed webhook is still true.
   */
  private async toUpdate({ processor: name, payload }: StoredWebhook): Promise<FetchedUpdate> {
    const processor = this.processors.get(name);
    const update = processor.read(payload);
    if (update.kind === 'unrelated' || !processor.api) return update;
    if (update.kind === 'subscription' && update.ended) return update;
    return (await this.fetches.fetch(processor.api, update.subscriptionId)) ?? update;
  }
}
