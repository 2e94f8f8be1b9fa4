import { Injectable } from '@nestjs/common';
import { Batcher } from '../../platform/scheduling/batcher.js';
import { Database } from '../../platform/postgres/database.js';
import type { ChangeSource } from '../membership.store.js';
import { ProcessorUnavailable } from '../processors/processor.js';
import { ProcessorBudgetService, type RequestPurpose } from '../processors/processor-budget.service.js';
import type { ProcessorWithApi } from '../processors/processors.service.js';
import { SubscriptionUpdateService } from './subscription-update.service.js';
import { SubscriptionStore } from './subscription.store.js';
import type { FetchedUpdate, UpdateResult } from './update-rules.js';

/** Calls to one processor's API, for one purpose, that run at once on this node. */
const CONCURRENCY = 8;
/** Calls that may wait for one of these; one more fails with QueueFull, and its webhook or change is retried later. */
const MAX_WAITING = 1_000;

interface FetchRequest {
  readonly processor: ProcessorWithApi;
  readonly subscriptionId: string;
  readonly purpose: RequestPurpose;
}

/** One page of a processor's list, and the cursor of the next; undefined on the last page. */
export interface FetchedList {
  readonly updates: readonly FetchedUpdate[];
  readonly next: string | undefined;
}

/**
 * Fetches the present state of a subscription from its processor's API, within the processor's budget. A fetch takes its sequence number
 * before it begins and holds no database connection while it runs; its result is saved only if no fetch with a higher number was saved
 * meanwhile (update-rules.ts). A processor that does not respond holds up no other one.
 */
@Injectable()
export class SubscriptionFetchService {
  private readonly queues = new Map<string, Batcher<FetchRequest, FetchedUpdate | undefined>>();
  /** Fetches that have not begun. Whoever needs the same subscription waits for the same fetch: it begins after both asked. */
  private readonly queued = new Map<string, Promise<FetchedUpdate | undefined>>();

  constructor(
    private readonly subscriptions: SubscriptionStore,
    private readonly updates: SubscriptionUpdateService,
    private readonly budgets: ProcessorBudgetService,
    private readonly database: Database,
  ) {}

  /**
   * Returns undefined when the processor knows no such subscription. Callers must not take that for its end: with an API key of
   * another account no subscription is known, and every user would lose access. Throws ProcessorUnavailable, QueueFull.
   */
  fetch(
    processor: ProcessorWithApi,
    subscriptionId: string,
    purpose: RequestPurpose = 'lookup',
  ): Promise<FetchedUpdate | undefined> {
    const key = keyOf({ processor, subscriptionId, purpose });
    const same = this.queued.get(key);
    if (same) return same;
    const result = this.queueOf(`${processor.name} ${purpose}`).add({ processor, subscriptionId, purpose });
    this.queued.set(key, result);
    // What was refused, or failed before it began, is no fetch to wait for.
    const forget = () => this.queued.get(key) === result && this.queued.delete(key);
    result.then(forget, forget);
    return result;
  }

  /**
   * One page of the processor's list, the first one without a cursor. Returns undefined when its API has no list, or refuses it. Throws
   * ProcessorUnavailable.
   */
  async list(processor: ProcessorWithApi, cursor: string | undefined): Promise<FetchedList | undefined> {
    await this.budgets.take(processor, 'reconciliation');
    // The number is taken before the list is fetched, so that the list overwrites nothing that was fetched later.
    const { fetchSequence } = await this.subscriptions.beginFetch();
    const page = await processor.api.list?.(cursor);
    return (
      page && {
        updates: page.updates.map((update): FetchedUpdate => ({ ...update, fetchSequence })),
        next: page.next,
      }
    );
  }

  /** Fetches and applies. Throws ProcessorUnavailable, also when the processor knows no such subscription, and QueueFull. */
  async fetchAndApply(
    processor: ProcessorWithApi,
    subscriptionId: string,
    source: ChangeSource,
  ): Promise<UpdateResult> {
    const update = await this.fetch(processor, subscriptionId, 'change');
    if (!update) throw new ProcessorUnavailable('the processor knows no such subscription');
    return this.database.transaction('critical', (tx) => this.updates.apply(tx, update, source));
  }

  /** Each purpose has a queue, so that a walk that waits for the budget holds up no webhook. */
  private queueOf(name: string): Batcher<FetchRequest, FetchedUpdate | undefined> {
    const queue =
      this.queues.get(name) ??
      new Batcher<FetchRequest, FetchedUpdate | undefined>({
        runBatch: async ([request]) => [await this.call(request as FetchRequest)],
        size: 1,
        concurrency: CONCURRENCY,
        capacity: MAX_WAITING,
      });
    this.queues.set(name, queue);
    return queue;
  }

  private async call(request: FetchRequest): Promise<FetchedUpdate | undefined> {
    const { processor, subscriptionId, purpose } = request;
    await this.budgets.take(processor, purpose);
    // From here on it may miss what is asked for next.
    this.queued.delete(keyOf(request));
    const { fetchSequence, fetchedFrom } = await this.subscriptions.beginFetch();
    const update = await processor.api.fetch(subscriptionId);
    return update && { ...update, fetchSequence, fetchedFrom };
  }
}

const keyOf = ({ processor, subscriptionId, purpose }: FetchRequest): string =>
  `${processor.name} ${purpose} ${subscriptionId}`;
