import { Injectable } from '@nestjs/common';
import { Mailbox } from '../mailbox/mailbox.service.js';
import type { Transaction } from '../platform/postgres/database.js';
import {
  type Capabilities,
  capabilitiesOf,
  differs,
  isNews,
  type MembershipContent,
  membershipFrom,
  type Status,
} from './membership.js';
import { MembershipStore, type Source, type StoredSubscription } from './membership.store.js';
import type { PaymentFailedWord, SubscriptionWord, Word } from './processor.js';
import type { Settlement } from './webhook.store.js';

/** What a word does to its subscription. */
type Step = { readonly changed: StoredSubscription } | { readonly unchanged: Settlement };

/** A new version of a user's membership; `before` is undefined for the first. */
export interface MembershipChange {
  readonly userId: string;
  readonly version: number;
  readonly status: Status;
  readonly capabilities: Capabilities;
  readonly before: { readonly status: Status } | undefined;
}

export type MembershipListener = (tx: Transaction, change: MembershipChange) => Promise<void>;

/** Applies a processor's word to a user's membership: all of it in the caller's transaction, or nothing. */
@Injectable()
export class Memberships {
  private readonly listeners: MembershipListener[] = [];

  constructor(
    private readonly store: MembershipStore,
    private readonly mailbox: Mailbox,
  ) {}

  /** Called within the transaction, once the new version is written: what follows from it is committed with it, or not at all. */
  onChange(listener: MembershipListener): void {
    this.listeners.push(listener);
  }

  /** One after the other: the user's membership and what follows from it. Taken before anything else of the user is locked. */
  lock(tx: Transaction, userId: string): Promise<void> {
    return this.store.lockUser(tx, userId);
  }

  /** What became of the word. */
  async apply(tx: Transaction, word: Word, source: Source): Promise<Settlement> {
    if (word.about === 'other') return { status: 'ignored' };
    const { processor } = source;
    const said = word.about === 'subscription' ? word.userId : undefined;
    const userId = (await this.store.owner(tx, { processor, ...word })) ?? said;
    if (userId === undefined)
      return waiting([`customer:${processor}:${word.customerId}`], 'unknown_customer');
    await this.store.lockUser(tx, userId);
    const known = await this.store.subscription(tx, processor, word.subscriptionId);
    const next = word.about === 'subscription' ? await this.said(tx, word, known) : failed(word, known);
    if ('unchanged' in next) return { ...next.unchanged, userId };
    await this.store.saveSubscription(tx, { processor, userId }, next.changed);
    await this.follow(tx, userId, source);
    return { status: 'applied', userId };
  }

  private async said(
    tx: Transaction,
    word: SubscriptionWord,
    known: StoredSubscription | undefined,
  ): Promise<Step> {
    if (!isNews(known, word, () => word.follows(known?.object ?? {})))
      return { unchanged: { status: 'stale' } };
    const planId = (await this.store.planOf(tx, word.priceIds)) ?? null;
    // Without its plan nobody can say what it allows; an end needs no plan.
    if (planId === null && !word.ended)
      return {
        unchanged: waiting(
          word.priceIds.map((price) => `price:${price}`),
          'unknown_plan',
        ),
      };
    const { subscriptionId, customerId, status, effectiveAt, cancelAt, ended, asOf, object } = word;
    const said = { subscriptionId, customerId, status, effectiveAt, cancelAt, ended, asOf, object };
    return { changed: { ...said, planId: planId ?? known?.planId ?? null } };
  }

  /** The user's membership from all subscriptions; a new version and an event only when something changed. */
  private async follow(tx: Transaction, userId: string, source: Source): Promise<void> {
    const content = membershipFrom(await this.store.subscriptions(tx, userId));
    const before = await this.store.current(tx, userId);
    if (!content || !differs(before, content)) return;
    const version = await this.store.save(tx, userId, content, source);
    const planned = content.planId === null ? undefined : await this.store.capabilities(tx, content.planId);
    const capabilities = capabilitiesOf(content.status, planned);
    const data = changeOf(version, content, source.reason, capabilities);
    await this.mailbox.append(tx, [
      { userId, type: 'membership.changed', tier: 'critical', key: 'membership', data },
    ]);
    const change = { userId, version, status: content.status, capabilities, before };
    for (const listener of this.listeners) await listener(tx, change);
  }
}

/** A failed payment is news for a subscription that was thought to be paid. */
function failed(word: PaymentFailedWord, known: StoredSubscription | undefined): Step {
  if (!known) return { unchanged: waiting([`subscription:${word.subscriptionId}`], 'unknown_subscription') };
  const paid = known.status === 'active' || known.status === 'trialing';
  if (known.ended || !paid || word.asOf < known.asOf) return { unchanged: { status: 'stale' } };
  return { changed: { ...known, status: 'past_due', effectiveAt: word.asOf, asOf: word.asOf } };
}

const waiting = (waitingFor: readonly string[], reason: string): Settlement => ({
  status: 'waiting',
  waitingFor,
  reason,
});

function changeOf(version: number, content: MembershipContent, reason: string, capabilities: unknown) {
  const { status, planId, effectiveAt, cancelAt } = content;
  return {
    version,
    status,
    planId,
    capabilities,
    effectiveAt: effectiveAt.toISOString(),
    ...(cancelAt && { cancelAt: cancelAt.toISOString() }),
    reason,
  };
}
