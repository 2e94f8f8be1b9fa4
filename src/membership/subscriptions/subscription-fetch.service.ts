import { Injectable } from '@nestjs/common';
import { Batcher } from '../../platform/scheduling/batcher.js';
import { Database } from '../../platform/postgres/database.js';
import type { ChangeSource } from '../membership.store.js';
import {
  type ProcessorClient,
  ProcessorUnavailable,
  type SubscriptionUpdate,
} from '../processors/processor.js';
import { SubscriptionUpdateService } from './subscription-update.service.js';
import { SubscriptionStore } from './subscription.store.js';
import type { FetchedUpdate, UpdateResult } from './update-rules.js';

/** Calls to processors' APIs that run at once on this node. */
const CONCURRENCY = 8;
/** Calls that may wait for one of these; one more fails with QueueFull, and its webhook or change is retried later. */
const MAX_WAITING = 1_000;

interface FetchRequest {
  readonly api: ProcessorClient;
  readonly subscriptionId: string;
}

/**
 * Fetches the present state of a subscription from its processor's API. A fetch takes its sequence number before it begins and holds no
 * database connection while it runs; its result is saved only if no fetch with a higher number was saved meanwhile (update-rules.ts).
 */
@Injectable()
export class SubscriptionFetchService {
  private readonly calls = new Batcher<FetchRequest, SubscriptionUpdate | undefined>({
    runBatch: ([request]) => call(request as FetchRequest),
    size: 1,
    concurrency: CONCURRENCY,
    capacity: MAX_WAITING,
  });

  constructor(
    private readonly subscriptions: SubscriptionStore,
    private readonly updates: SubscriptionUpdateService,
    private readonly database: Database,
  ) {}

  /**
   * Returns undefined when the processor knows no such subscription. Callers must not take that for its end: with an API key of
   * another account no subscription is known, and every user would lose access. Throws ProcessorUnavailable, QueueFull.
   */
  async fetch(api: ProcessorClient, subscriptionId: string): Promise<FetchedUpdate | undefined> {
    const fetchSequence = await this.subscriptions.nextFetchSequence();
    const update = await this.calls.add({ api, subscriptionId });
    return update && { ...update, fetchSequence };
  }

  /** Fetches and applies. Throws ProcessorUnavailable, also when the processor knows no such subscription, and QueueFull. */
  async fetchAndApply(
    api: ProcessorClient,
    subscriptionId: string,
    source: ChangeSource,
  ): Promise<UpdateResult> {
    const update = await this.fetch(api, subscriptionId);
    if (!update) throw new ProcessorUnavailable('the processor knows no such subscription');
    return this.database.transaction('critical', (tx) => this.updates.apply(tx, update, source));
  }
}

const call = async ({ api, subscriptionId }: FetchRequest) => [await api.fetch(subscriptionId)];
