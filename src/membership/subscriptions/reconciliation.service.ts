import { Injectable, Logger } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { Database } from '../../platform/postgres/database.js';
import { LookupService } from './lookup.service.js';
import { MembershipService, type FetchedUpdate } from '../membership.service.js';
import type { ProcessorClient } from '../processors/processor.js';
import { SubscriptionStore } from './subscription.store.js';

/** Subscriptions that one step asks for one by one, where the processor has no list. */
const STEP = 20;
const OWN = 'own ';
const LIST = 'list ';

/** One step of a walk: what the processor says, and where the next step begins. */
interface Step {
  readonly words: readonly FetchedUpdate[];
  readonly next: string | undefined;
}

type Asked = { readonly name: string; readonly api: ProcessorClient };

/** Compares what is known with what the processor says, and repairs what differs: webhooks that never came, or lied. */
@Injectable()
export class ReconciliationService {
  private readonly log = new Logger('reconciliation');
  private readonly outcomes: Counter<'processor' | 'outcome'>;

  constructor(
    private readonly subscriptions: SubscriptionStore,
    private readonly lookups: LookupService,
    private readonly memberships: MembershipService,
    private readonly database: Database,
    metrics: MetricsService,
  ) {
    this.outcomes = metrics.counter(
      'reconciled_total',
      'Subscriptions compared with the processor: same, repaired, waiting (for a plan or a link) or failed',
      ['processor', 'outcome'],
    );
  }

  /** Does one step; answers the cursor of the next, or undefined at the end. Throws ProcessorUnavailable. */
  async step(processor: Asked, cursor: string | null): Promise<string | undefined> {
    const { words, next } = await this.read(processor, cursor);
    let repaired = 0;
    for (const word of words) if ((await this.compare(processor.name, word)) === 'repaired') repaired += 1;
    if (repaired > 0)
      this.log.warn(`${repaired} subscriptions were not as ${processor.name} says; they are now`);
    return next;
  }

  private async read(processor: Asked, cursor: string | null): Promise<Step> {
    if (cursor?.startsWith(OWN) || !processor.api.list) return this.readOwn(processor, cursor);
    // The turn is taken before the list is asked for: nothing that was read later is overwritten.
    const fetchSequence = await this.subscriptions.nextFetchSequence();
    const page = await processor.api.list(cursor === null ? undefined : cursor.slice(LIST.length));
    if (!page) return this.readOwn(processor, null);
    const next = page.next === undefined ? undefined : `${LIST}${page.next}`;
    return { words: page.updates.map((word): FetchedUpdate => Object.assign(word, { fetchSequence })), next };
  }

  /** Asks for each subscription that is known. One that cannot be had must not keep the others from being looked at. */
  private async readOwn({ name, api }: Asked, cursor: string | null): Promise<Step> {
    const ids = await this.subscriptions.runningAfter(name, cursor?.slice(OWN.length) ?? '', STEP);
    const found = await Promise.all(ids.map((id) => this.lookups.fetch(api, id).catch(() => undefined)));
    const words = found.filter((word) => word !== undefined);
    this.outcomes.inc({ processor: name, outcome: 'failed' }, ids.length - words.length);
    const last = ids.length < STEP ? undefined : ids.at(-1);
    return { words, next: last && `${OWN}${last}` };
  }

  private async compare(name: string, word: FetchedUpdate): Promise<string> {
    const source = { processor: name, webhookId: null, reason: 'reconciliation' };
    const outcome = await this.database
      .transaction('important', (tx) => this.memberships.apply(tx, word, source))
      .then(({ status, isChange }) => (status === 'waiting' ? 'waiting' : isChange ? 'repaired' : 'same'));
    this.outcomes.inc({ processor: name, outcome });
    return outcome;
  }
}
