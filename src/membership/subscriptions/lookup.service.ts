import { Injectable } from '@nestjs/common';
import { Batcher } from '../../platform/scheduling/batcher.js';
import { Database } from '../../platform/postgres/database.js';
import type { ChangeSource } from '../membership.store.js';
import { MembershipService, type FetchedUpdate } from '../membership.service.js';
import {
  type ProcessorClient,
  ProcessorUnavailable,
  type SubscriptionUpdate,
} from '../processors/processor.js';
import { SubscriptionStore } from './subscription.store.js';
import type { WebhookSettlement } from '../webhooks/webhook.store.js';

/** Calls to a processor's API under way at once, and those that may wait: more is tried again later. */
const AT_ONCE = 8;
const MAY_WAIT = 1_000;

interface Question {
  readonly api: ProcessorClient;
  readonly subscriptionId: string;
}

/**
 * What the processor itself says of a subscription now. A fetch takes its turn before it begins and holds no connection
 * while it runs; what it found is written only if no later turn was written meanwhile (precedence.ts).
 */
@Injectable()
export class LookupService {
  private readonly calls = new Batcher<Question, SubscriptionUpdate | undefined>({
    runBatch: ([question]) => ask(question as Question),
    size: 1,
    concurrency: AT_ONCE,
    capacity: MAY_WAIT,
  });

  constructor(
    private readonly subscriptions: SubscriptionStore,
    private readonly memberships: MembershipService,
    private readonly database: Database,
  ) {}

  /** Undefined when the processor knows no such subscription: that ends none, for the key may be wrong. Throws ProcessorUnavailable. */
  async fetch(api: ProcessorClient, subscriptionId: string): Promise<FetchedUpdate | undefined> {
    const fetchSequence = await this.subscriptions.nextFetchSequence();
    const word = await this.calls.add({ api, subscriptionId });
    return word && { ...word, fetchSequence: fetchSequence };
  }

  /** Fetches and applies. Throws ProcessorUnavailable, also when the processor knows no such subscription. */
  async refresh(
    api: ProcessorClient,
    subscriptionId: string,
    source: ChangeSource,
  ): Promise<WebhookSettlement> {
    const word = await this.fetch(api, subscriptionId);
    if (!word) throw new ProcessorUnavailable('the processor knows no such subscription');
    return this.database.transaction('critical', (tx) => this.memberships.apply(tx, word, source));
  }
}

const ask = async ({ api, subscriptionId }: Question) => [await api.fetch(subscriptionId)];
