import { Injectable, Logger } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { Database } from '../../platform/postgres/database.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { ProcessorBusy } from '../processors/processor.js';
import { ProcessorsService, type ProcessorWithApi } from '../processors/processors.service.js';
import { type FetchedList, SubscriptionFetchService } from './subscription-fetch.service.js';
import { SubscriptionUpdateService } from './subscription-update.service.js';
import { SubscriptionStore } from './subscription.store.js';
import type { RefetchedSubscription, RefetchOutcome } from './subscriptions.schema.js';
import type { FetchedUpdate } from './update-rules.js';

/** Subscriptions that one page fetches one by one, where the processor has no list. */
const PAGE_SIZE = 20;
/** Prefixes of a stored cursor: an id of our own subscriptions, or the cursor of the processor's list. */
const OWN = 'own ';
const LIST = 'list ';

/** What one page came to. */
export interface ReconciledPage {
  /** The cursor of the next page; undefined after the last. */
  readonly next: string | undefined;
  /** How many subscriptions were compared. */
  readonly compared: number;
}

/** Compares the stored subscriptions with the processor's, and repairs what differs: webhooks that never came, or were wrong. */
@Injectable()
export class ReconciliationService {
  private readonly log = new Logger('reconciliation');
  private readonly outcomes: Counter<'processor' | 'outcome'>;

  constructor(
    private readonly subscriptions: SubscriptionStore,
    private readonly fetches: SubscriptionFetchService,
    private readonly updates: SubscriptionUpdateService,
    private readonly processors: ProcessorsService,
    private readonly database: Database,
    metrics: MetricsService,
  ) {
    this.outcomes = metrics.counter(
      'reconciled_total',
      'Subscriptions compared with the processor. `repaired` grows: webhooks get lost. `waiting`: for a plan or a link. `failed`: the processor does not know a subscription that Usher knows (a wrong key?) or did not respond, or comparing it failed; the log says why.',
      ['processor', 'outcome'],
    );
  }

  /** Reconciles one page: the first one for a null cursor. Throws ProcessorUnavailable. */
  async reconcilePage(processor: ProcessorWithApi, cursor: string | null): Promise<ReconciledPage> {
    const { updates, next } = await this.fetchPage(processor, cursor);
    let repaired = 0;
    for (const update of updates)
      if ((await this.reconcile(processor.name, update)) === 'repaired') repaired += 1;
    if (repaired > 0)
      this.log.warn(`${repaired} subscriptions were not as ${processor.name} says; they were repaired`);
    return { next, compared: updates.length };
  }

  /**
   * Asks the processors for each of the user's subscriptions, and repairs what differs. Returns what each came to: `same`, `repaired`,
   * `waiting` (for a plan or a link), `failed`, or `no_api` where the processor cannot be asked.
   */
  async reconcileUser(userId: string): Promise<RefetchedSubscription[]> {
    const outcomes: RefetchedSubscription[] = [];
    for (const { processor, subscriptionId } of await this.subscriptions.listOfUser(userId)) {
      const outcome = await this.refetch(processor, subscriptionId);
      outcomes.push({ processor, subscriptionId, outcome });
    }
    return outcomes;
  }

  private async refetch(name: string, subscriptionId: string): Promise<RefetchOutcome> {
    const processor = this.processors.findWithApi(name);
    if (!processor) return 'no_api';
    const update = await this.fetches.fetch(processor, subscriptionId).catch(() => undefined);
    return update ? this.reconcile(name, update) : 'failed';
  }

  private async fetchPage(processor: ProcessorWithApi, cursor: string | null): Promise<FetchedList> {
    if (cursor?.startsWith(OWN) || !processor.api.list) return this.fetchOwn(processor, cursor);
    const page = await this.fetches.list(processor, cursor === null ? undefined : cursor.slice(LIST.length));
    if (!page) return this.fetchOwn(processor, null);
    return { updates: page.updates, next: page.next && `${LIST}${page.next}` };
  }

  /**
   * Fetches each of the subscriptions that are stored here. One that fails does not keep the others from being compared; but when the
   * budget is used up the page is fetched again, or the walk would skip what it came for.
   */
  private async fetchOwn(processor: ProcessorWithApi, cursor: string | null): Promise<FetchedList> {
    const { name } = processor;
    const ids = await this.subscriptions.listRunning(name, cursor?.slice(OWN.length) ?? '', PAGE_SIZE);
    const fetchOne = (id: string) => this.fetches.fetch(processor, id, 'reconciliation').catch(unlessBusy);
    const found = await Promise.all(ids.map(fetchOne));
    const updates = found.filter((update) => update !== undefined);
    this.outcomes.inc({ processor: name, outcome: 'failed' }, ids.length - updates.length);
    const last = ids.length < PAGE_SIZE ? undefined : ids.at(-1);
    return { updates, next: last && `${OWN}${last}` };
  }

  /** One that fails must not stop the walk: its page would be fetched again for ever. In an outage the page is. */
  private async reconcile(name: string, update: FetchedUpdate): Promise<RefetchOutcome> {
    const outcome = await this.compare(name, update).catch((error: unknown): RefetchOutcome => {
      if (isOutage(error)) throw error;
      const id = 'subscriptionId' in update ? update.subscriptionId : 'unknown';
      this.log.error(error, `subscription ${id} of ${name} could not be compared`);
      return 'failed';
    });
    this.outcomes.inc({ processor: name, outcome });
    return outcome;
  }

  private async compare(name: string, update: FetchedUpdate): Promise<RefetchOutcome> {
    const source = { processor: name, webhookId: null, reason: 'reconciliation' };
    const { status, hasChanged } = await this.database.transaction('important', (tx) =>
      this.updates.apply(tx, update, source),
    );
    return status === 'waiting' ? 'waiting' : hasChanged ? 'repaired' : 'same';
  }
}

function unlessBusy(error: unknown): undefined {
  if (error instanceof ProcessorBusy) throw error;
}
