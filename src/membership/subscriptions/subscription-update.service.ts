import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { Transaction } from '../../platform/postgres/database.js';
import { TracingService } from '../../platform/tracing/tracing.service.js';
import { MembershipService } from '../membership.service.js';
import type { ChangeSource } from '../membership.store.js';
import type { PaymentFailure, SubscriptionUpdate } from '../processors/processor.js';
import { WebhookQueueStore } from '../webhooks/webhook-queue.store.js';
import { SubscriptionStore } from './subscription.store.js';
import {
  applyPaymentFailure,
  applySubscriptionUpdate,
  endSubscription,
  type FetchedUpdate,
  isNewer,
  isSameSubscription,
  replacedSubscription,
  type StoredSubscription,
  type UpdateContext,
  type UpdateDecision,
  type UpdateResult,
  waiting,
} from './update-rules.js';

const DAY_MS = 86_400_000;

/** An update that concerns one subscription. */
type RelevantUpdate = (SubscriptionUpdate | PaymentFailure) & { readonly fetchSequence?: number | undefined };

/** Applies a processor's update to one subscription and to its user's membership, whether it came by webhook or was fetched. */
@Injectable()
export class SubscriptionUpdateService {
  private readonly graceMs: number;

  constructor(
    private readonly subscriptions: SubscriptionStore,
    private readonly memberships: MembershipService,
    private readonly webhooks: WebhookQueueStore,
    private readonly tracing: TracingService,
    @Inject(CONFIG) config: Config,
  ) {
    this.graceMs = config.PAST_DUE_DAYS * DAY_MS;
  }

  /** Find the owner, lock, decide, save, derive the membership: all of it in the caller's transaction, or nothing. */
  apply(tx: Transaction, update: FetchedUpdate, source: ChangeSource): Promise<UpdateResult> {
    return this.tracing.run({ name: 'save subscription', kind: 'internal' }, () =>
      this.save(tx, update, source),
    );
  }

  private async save(tx: Transaction, update: FetchedUpdate, source: ChangeSource): Promise<UpdateResult> {
    if (update.kind === 'unrelated') return { status: 'ignored', reason: update.reason };
    if (update.kind === 'hint') return { status: 'ignored', reason: 'no_api' };
    const { processor } = source;
    const userId = await this.findOwner(tx, processor, update);
    if (userId === undefined) return waiting(ownerNeeds(processor, update), 'unknown_customer');
    await this.memberships.lock(tx, userId);
    const known = await this.subscriptions.getIn(tx, { ...update, processor, userId });
    const context = { userId, processor, graceMs: this.graceMs };
    const decision = await this.decide(tx, known, update, context);
    const next = 'next' in decision ? decision.next : undefined;
    if (next) await (known ? this.subscriptions.update(tx, next) : this.subscriptions.insert(tx, next));
    // Also by an update that is too late for its own subscription: what it says of the former one holds all the same.
    const ended = await this.endReplaced(tx, update, next ?? known);
    if (next || ended) await this.memberships.updateFromSubscriptions(tx, [userId], source);
    const news = [next && !known ? update.subscriptionId : undefined, ended];
    const needs = news.flatMap((id) => (id === undefined ? [] : [`subscription:${id}`]));
    const woken = needs.length > 0 ? await this.webhooks.wake(tx, needs) : [];
    if ('rejected' in decision) return { ...decision.rejected, userId, woken };
    const hasChanged = !known || !isSameSubscription(known, decision.next);
    return { status: 'applied', userId, hasChanged, woken };
  }

  /** The user whom the subscription already belongs to, or whom the customer is linked to, or whom the update itself names. */
  private async findOwner(
    tx: Transaction,
    processor: string,
    update: RelevantUpdate,
  ): Promise<string | undefined> {
    const { subscriptionId, customerId } = update;
    const owner = await this.subscriptions.findOwner(tx, { processor, subscriptionId, customerId });
    return owner ?? (update.kind === 'subscription' ? update.userId : undefined);
  }

  private async decide(
    tx: Transaction,
    known: StoredSubscription | undefined,
    update: RelevantUpdate,
    context: UpdateContext,
  ): Promise<UpdateDecision> {
    if (update.kind === 'payment_failure') return applyPaymentFailure(known, update, context);
    if (!isNewer(known, update, () => update.follows(known?.object ?? {})))
      return { rejected: { status: 'stale' } };
    const planId = (await this.subscriptions.findPlan(tx, update.priceIds)) ?? null;
    return applySubscriptionUpdate(known, update, planId, context);
  }

  /** Ends the former subscription of the user that this one replaces; one of another user stays. Returns the id of what it ended. */
  private async endReplaced(
    tx: Transaction,
    update: RelevantUpdate,
    replacing: StoredSubscription | undefined,
  ): Promise<string | undefined> {
    if (!replacing || update.kind !== 'subscription' || update.replaces === undefined) return undefined;
    const former = await this.subscriptions.getIn(tx, { ...replacing, subscriptionId: update.replaces });
    if (former?.ended) return undefined;
    if (former) await this.subscriptions.update(tx, endSubscription(former, update.asOf));
    else if (
      !(await this.subscriptions.insertUnlessTaken(tx, replacedSubscription(replacing, update.replaces)))
    )
      return undefined;
    return update.replaces;
  }
}

/** What says whose an update is, as `findOwner` finds it: a link of the customer, or another update that names the user of the subscription. */
const ownerNeeds = (processor: string, { customerId, subscriptionId }: RelevantUpdate): string[] => [
  `customer:${processor}:${customerId}`,
  `subscription:${subscriptionId}`,
];
