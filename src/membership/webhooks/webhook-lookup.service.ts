import { Injectable } from '@nestjs/common';
import { TracingService } from '../../platform/tracing/tracing.service.js';
import { SubscriptionUnknown } from '../processors/processor.js';
import { ProcessorsService } from '../processors/processors.service.js';
import { SubscriptionFetchService } from '../subscriptions/subscription-fetch.service.js';
import type { FetchedUpdate } from '../subscriptions/update-rules.js';
import { customerOf, lookupOf, type WebhookId } from './webhook.js';
import { type StoredWebhook, WebhookStore } from './webhook.store.js';

/** What a stored webhook means: what is true of its subscription now, if the processor can be asked. */
@Injectable()
export class WebhookLookupService {
  constructor(
    private readonly processors: ProcessorsService,
    private readonly fetches: SubscriptionFetchService,
    private readonly store: WebhookStore,
    private readonly tracing: TracingService,
  ) {}

  /**
   * By event id, the customer whom each webhook is about, as its payload says; nothing is asked. One that cannot be read has none, and fails
   * by itself when it is applied.
   */
  async customersOf(webhooks: readonly WebhookId[]): Promise<ReadonlyMap<string, string>> {
    if (webhooks.length === 0) return new Map();
    const customers = new Map<string, string>();
    for (const { processor, eventId, payload } of await this.store.list('important', webhooks)) {
      try {
        const customer = customerOf(this.processors.get(processor).read(payload));
        if (customer !== undefined) customers.set(eventId, customer);
      } catch {
        continue;
      }
    }
    return customers;
  }

  /**
   * Where the processor has an API, a webhook only names the subscription to fetch. When the API knows no such subscription (an API key
   * of another account?), a signed webhook that has the state is still true. Throws ProcessorUnavailable, SubscriptionUnknown, QueueFull.
   */
  async toUpdate({ processor: name, payload }: StoredWebhook): Promise<FetchedUpdate> {
    const update = this.processors.get(name).read(payload);
    const processor = this.processors.findWithApi(name);
    const subscriptionId = lookupOf(update);
    if (!processor || subscriptionId === undefined) return update;
    const fetched = await this.tracing.run({ name: `fetch ${name}`, kind: 'client' }, () =>
      this.fetches.fetch(processor, subscriptionId),
    );
    if (!fetched && update.kind === 'hint')
      throw new SubscriptionUnknown('the processor knows no such subscription');
    return fetched ?? update;
  }
}
