import { Injectable } from '@nestjs/common';
import { Batcher } from '../platform/batcher.js';
import { Database } from '../platform/postgres/database.js';
import type { Source } from './membership.store.js';
import { Memberships, type Told } from './membership.service.js';
import { type ProcessorApi, ProcessorUnavailable, type SubscriptionWord } from './processor.js';
import { SubscriptionStore } from './subscription.store.js';
import type { Settlement } from './webhook.store.js';

/** Calls to a processor's API under way at once, and those that may wait: more is tried again later. */
const AT_ONCE = 8;
const MAY_WAIT = 1_000;

interface Question {
  readonly api: ProcessorApi;
  readonly subscriptionId: string;
}

/**
 * What the processor itself says of a subscription now. A fetch takes its turn before it begins and holds no connection
 * while it runs; what it found is written only if no later turn was written meanwhile (precedence.ts).
 */
@Injectable()
export class Lookups {
  private readonly calls = new Batcher<Question, SubscriptionWord | undefined>({
    act: ([question]) => ask(question as Question),
    size: 1,
    concurrency: AT_ONCE,
    capacity: MAY_WAIT,
  });

  constructor(
    private readonly subscriptions: SubscriptionStore,
    private readonly memberships: Memberships,
    private readonly database: Database,
  ) {}

  /** Undefined when the processor knows no such subscription: that ends none, for the key may be wrong. Throws ProcessorUnavailable. */
  async fetch(api: ProcessorApi, subscriptionId: string): Promise<Told | undefined> {
    const fetchTurn = await this.subscriptions.nextTurn();
    const word = await this.calls.add({ api, subscriptionId });
    return word && { ...word, fetchTurn };
  }

  /** Fetches and applies. Throws ProcessorUnavailable, also when the processor knows no such subscription. */
  async refresh(api: ProcessorApi, subscriptionId: string, source: Source): Promise<Settlement> {
    const word = await this.fetch(api, subscriptionId);
    if (!word) throw new ProcessorUnavailable('the processor knows no such subscription');
    return this.database.transaction('critical', (tx) => this.memberships.apply(tx, word, source));
  }
}

const ask = async ({ api, subscriptionId }: Question) => [await api.fetch(subscriptionId)];
