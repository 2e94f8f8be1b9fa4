import { Inject, Injectable } from '@nestjs/common';
import { builtInEvent } from '../mailbox/events/event.js';
import { EventBusService } from '../platform/events/event-bus.service.js';
import { membershipChanged, type MembershipVersion } from './membership-version.js';
import { MailboxService } from '../mailbox/mailbox.service.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import type { Transaction } from '../platform/postgres/database.js';
import { capabilitiesOf, differs, STATUS_RULES, membershipFrom, type Status } from './membership.js';
import {
  type MembershipDraft,
  MembershipStore,
  type ChangeSource,
  type StoredPlan,
} from './membership.store.js';
import { isNewer } from './subscriptions/precedence.js';
import type { PaymentFailure, SubscriptionUpdate, ProcessorUpdate } from './processors/processor.js';
import { type StoredSubscription, SubscriptionStore } from './subscriptions/subscription.store.js';
import type { WebhookSettlement } from './webhooks/webhook.store.js';

const DAY_MS = 86_400_000;

/** A processor's word, and the turn of the fetch that it was read by, if it was. */
export type FetchedUpdate = ProcessorUpdate & { readonly fetchSequence?: number | undefined };

/** What a word does to its subscription. */
type Step = { readonly next: StoredSubscription } | { readonly unchanged: WebhookSettlement };

/** What became of the users' memberships. */
type News = {
  readonly userId: string;
  readonly draft: MembershipDraft;
  readonly plan: StoredPlan | undefined;
  readonly before: { readonly status: Status } | undefined;
};

/** Applies a processor's word to a user's membership: all of it in the caller's transaction, or nothing. */
@Injectable()
export class MembershipService {
  constructor(
    private readonly store: MembershipStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly mailbox: MailboxService,
    private readonly bus: EventBusService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** One after the other: the user's membership and what follows from it. Taken before anything else of the user is locked. */
  lock(tx: Transaction, userId: string): Promise<void> {
    return this.store.lockUsers(tx, [userId]);
  }

  /** What became of the word. */
  async apply(tx: Transaction, word: FetchedUpdate, source: ChangeSource): Promise<WebhookSettlement> {
    if (word.about === 'other') return { status: 'ignored', reason: word.reason };
    if (word.about === 'hint') return { status: 'ignored', reason: 'no_api' };
    const { processor } = source;
    const said = word.about === 'subscription' ? word.userId : undefined;
    const userId = (await this.subscriptions.owner(tx, { processor, ...word })) ?? said;
    if (userId === undefined)
      return waiting([`customer:${processor}:${word.customerId}`], 'unknown_customer');
    await this.store.lockUsers(tx, [userId]);
    const known = await this.subscriptions.one(tx, processor, word.subscriptionId);
    const step =
      word.about === 'subscription'
        ? await this.applySubscription(tx, { ...word, processor, owner: userId }, known)
        : this.applyPaymentFailure(word, known);
    if ('unchanged' in step) return { ...step.unchanged, userId };
    await this.subscriptions.save(tx, step.next);
    if (word.about === 'subscription' && word.replaces !== undefined)
      await this.end(tx, processor, word.replaces, userId, word.asOf);
    await this.updateFromSubscriptions(tx, [userId], source);
    return { status: 'applied', userId, isChange: !known || !isSame(known, step.next) };
  }

  /**
   * The memberships that follow from all of the users' subscriptions now; a new version and an event for each that
   * changed. The one place where versions are made. The caller holds the users' locks. Answers whose changed.
   */
  async updateFromSubscriptions(
    tx: Transaction,
    userIds: readonly string[],
    source: ChangeSource,
  ): Promise<string[]> {
    const news = await this.findChanged(tx, userIds);
    if (news.length === 0) return [];
    const drafts = news.map(({ userId, draft }) => ({ userId, ...draft }));
    const versions = await this.store.save(tx, drafts, source);
    const version = ({ userId }: News): number => versions.get(userId) ?? 0;
    await this.mailbox.append(
      tx,
      news.map((one) =>
        builtInEvent('membership.changed', {
          userId: one.userId,
          data: changeOf(one, version(one), source.reason),
        }),
      ),
    );
    for (const one of news)
      await this.bus.publishAndWait(membershipChanged, { tx, version: toVersion(one, version(one)) });
    return news.map(({ userId }) => userId);
  }

  private async findChanged(tx: Transaction, userIds: readonly string[]): Promise<News[]> {
    const current = await this.store.current(tx, userIds);
    const all = byUser(await this.subscriptions.ofUsers(tx, userIds));
    const found = current.flatMap(({ userId, now, stored }) => {
      const content = membershipFrom(all.get(userId) ?? [], now);
      return content ? [{ userId, stored, content }] : [];
    });
    const planIds = new Set(found.flatMap(({ content }) => content.planId ?? []));
    const plans = await this.store.plans(tx, [...planIds]);
    return found.flatMap(({ userId, stored, content }) => {
      const plan = content.planId === null ? undefined : plans.get(content.planId);
      const draft = {
        ...content,
        planRevision: STATUS_RULES[content.status].grants ? (plan?.revision ?? null) : null,
      };
      const isNew = differs(stored, content) || stored?.planRevision !== draft.planRevision;
      return isNew ? [{ userId, draft, plan, before: stored }] : [];
    });
  }

  private async applySubscription(
    tx: Transaction,
    word: SubscriptionUpdate & { processor: string; owner: string; fetchSequence?: number | undefined },
    known: StoredSubscription | undefined,
  ): Promise<Step> {
    if (!isNewer(known, word, () => word.follows(known?.object ?? {})))
      return { unchanged: { status: 'stale' } };
    const planId = (await this.subscriptions.planOf(tx, word.priceIds)) ?? null;
    // Without its plan nobody can say what it allows; an end needs no plan.
    if (planId === null && !word.ended)
      return {
        unchanged: waiting(
          word.priceIds.map((price) => `price:${price}`),
          'unknown_plan',
        ),
      };
    const { processor, subscriptionId, customerId, status, cancelAt, ended, asOf, object } = word;
    const next = {
      ...{ userId: word.owner, processor, subscriptionId, customerId, status, cancelAt, ended, asOf, object },
      planId: planId ?? known?.planId ?? null,
      effectiveAt: word.effectiveAt,
      graceEndsAt: status === 'past_due' ? (known?.graceEndsAt ?? this.graceFrom(word.effectiveAt)) : null,
      fetchSequence: word.fetchSequence ?? null,
    };
    const goesOn = known?.status === next.status && known.planId === next.planId;
    return { next: goesOn ? { ...next, effectiveAt: known.effectiveAt } : next };
  }

  /** A failed payment is news for a subscription that was thought to be paid. */
  private applyPaymentFailure(word: PaymentFailure, known: StoredSubscription | undefined): Step {
    if (!known)
      return { unchanged: waiting([`subscription:${word.subscriptionId}`], 'unknown_subscription') };
    const paid = known.status === 'active' || known.status === 'trialing';
    if (known.ended || !paid || word.asOf < known.asOf) return { unchanged: { status: 'stale' } };
    const { asOf } = word;
    const graceEndsAt = this.graceFrom(asOf);
    return { next: { ...known, status: 'past_due', effectiveAt: asOf, asOf, graceEndsAt } };
  }

  private graceFrom(since: Date): Date {
    return new Date(since.getTime() + this.config.PAST_DUE_DAYS * DAY_MS);
  }

  /** The subscription that another one of the same user stands in for. */
  private async end(tx: Transaction, processor: string, id: string, userId: string, at: Date): Promise<void> {
    const former = await this.subscriptions.one(tx, processor, id);
    if (!former || former.ended || former.userId !== userId) return;
    const end = {
      status: 'canceled',
      ended: true,
      effectiveAt: at,
      cancelAt: null,
      graceEndsAt: null,
    } as const;
    await this.subscriptions.save(tx, { ...former, ...end });
  }
}

function byUser(all: readonly StoredSubscription[]): ReadonlyMap<string, StoredSubscription[]> {
  const groups = new Map<string, StoredSubscription[]>();
  for (const one of all) {
    const group = groups.get(one.userId);
    if (group) group.push(one);
    else groups.set(one.userId, [one]);
  }
  return groups;
}

/** Whether the processor said nothing new of the subscription. */
const isSame = (a: StoredSubscription, b: StoredSubscription): boolean =>
  a.status === b.status &&
  a.planId === b.planId &&
  a.ended === b.ended &&
  a.cancelAt?.getTime() === b.cancelAt?.getTime();

const waiting = (waitingFor: readonly string[], reason: string): WebhookSettlement => ({
  status: 'waiting',
  waitingFor,
  reason,
});

const toVersion = ({ userId, draft, plan, before }: News, version: number): MembershipVersion => ({
  userId,
  version,
  status: draft.status,
  capabilities: capabilitiesOf(draft.status, plan?.capabilities),
  before,
});

function changeOf({ draft, plan }: News, version: number, reason: string) {
  const { status, planId, effectiveAt, cancelAt } = draft;
  return {
    version,
    status,
    planId,
    capabilities: capabilitiesOf(status, plan?.capabilities),
    effectiveAt: effectiveAt.toISOString(),
    ...(cancelAt && { cancelAt: cancelAt.toISOString() }),
    reason,
  };
}
