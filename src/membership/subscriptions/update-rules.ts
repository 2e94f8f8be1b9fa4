import { STATUS_RULES, type Subscription } from '../membership.js';
import type { ClaimedWebhook } from '../webhooks/webhook.js';
import type { PaymentFailure, ProcessorUpdate, SubscriptionUpdate } from '../processors/processor.js';

/** A subscription as it is stored: the newest state that is known of it. */
export interface StoredSubscription extends Subscription {
  readonly userId: string;
  readonly customerId: string;
  /** The fetch that it was read by; null when it comes from a webhook. */
  readonly fetchSequence: number | null;
  /** The processor's own object. */
  readonly object: Record<string, unknown>;
}

/** A processor's update; when it was fetched from the API instead of received, with its place in the order of fetches and when it began. */
export type FetchedUpdate = ProcessorUpdate & {
  readonly fetchSequence?: number | undefined;
  readonly fetchedFrom?: Date | undefined;
};

/** What became of an update. */
export interface UpdateResult {
  /** `stale`: something newer was known. `waiting`: it needs something that is not known yet. `ignored`: it changes no membership. */
  readonly status: 'applied' | 'stale' | 'waiting' | 'ignored';
  readonly userId?: string | undefined;
  readonly reason?: string | undefined;
  /** `price:…`, `customer:…` or `subscription:…`: once any of them is known, the update can be applied. */
  readonly waitingFor?: readonly string[] | undefined;
  /** Whether the subscription differs from what was stored before. */
  readonly hasChanged?: boolean | undefined;
  /** Webhooks that waited for this subscription, and which the caller should apply after the commit. */
  readonly woken?: readonly ClaimedWebhook[] | undefined;
}

/** The subscription to save, or why nothing is saved. */
export type UpdateDecision = { readonly next: StoredSubscription } | { readonly rejected: UpdateResult };

/** What decides which of two states of a subscription is the newer one. */
export interface Precedence {
  readonly asOf: Date;
  readonly ended: boolean;
  /** The place of the fetch in the order in which fetches *began*, across all nodes; undefined or null for a webhook. */
  readonly fetchSequence?: number | null | undefined;
}

/**
 * Whether an update is newer than what is known. An end is final. A fetched state was true at some instant after its fetch began, so
 * it wins against every fetch that began earlier, and against any webhook. Webhooks arrive in any order, so among them the processor's
 * clock decides; its resolution is a second, and `isLaterInTie` decides between two updates of the same second.
 */
export function isNewer(
  known: Precedence | undefined,
  update: Precedence,
  isLaterInTie: () => boolean,
): boolean {
  if (!known) return true;
  if (known.ended) return false;
  if (typeof update.fetchSequence === 'number')
    return typeof known.fetchSequence !== 'number' || update.fetchSequence > known.fetchSequence;
  if (update.ended) return true;
  const order = update.asOf.getTime() - known.asOf.getTime();
  return order > 0 || (order === 0 && isLaterInTie());
}

/** What a decision needs besides the update and the stored subscription. */
export interface UpdateContext {
  readonly userId: string;
  readonly processor: string;
  /** How long a subscription stays usable after a payment failed. */
  readonly graceMs: number;
}

/** Applies a newer state. `planId` is the plan that its prices belong to; null when none is known. */
export function applySubscriptionUpdate(
  known: StoredSubscription | undefined,
  update: SubscriptionUpdate & { readonly fetchSequence?: number | undefined },
  planId: string | null,
  { userId, processor, graceMs }: UpdateContext,
): UpdateDecision {
  // Without a plan it is unknown what the subscription allows. What grants nothing needs no plan, and must not wait for one.
  if (planId === null && STATUS_RULES[update.status].grants) {
    const prices = update.priceIds.map((price) => `price:${price}`);
    return { rejected: waiting(prices, 'unknown_plan') };
  }
  const { subscriptionId, customerId, status, effectiveAt, cancelAt, ended, asOf, object } = update;
  const next = {
    ...{ userId, processor, subscriptionId, customerId, status, effectiveAt, cancelAt, ended, asOf, object },
    planId: planId ?? known?.planId ?? null,
    // A second failure of the same debt does not extend the grace period.
    graceEndsAt: status === 'past_due' ? (known?.graceEndsAt ?? after(effectiveAt, graceMs)) : null,
    fetchSequence: update.fetchSequence ?? null,
  };
  const isSameStage = known?.status === next.status && known.planId === next.planId;
  return { next: isSameStage ? { ...next, effectiveAt: known.effectiveAt } : next };
}

/** Applies a failed payment: it only matters for a subscription that was thought to be paid. */
export function applyPaymentFailure(
  known: StoredSubscription | undefined,
  { subscriptionId, asOf }: PaymentFailure,
  { graceMs }: UpdateContext,
): UpdateDecision {
  if (!known) return { rejected: waiting([`subscription:${subscriptionId}`], 'unknown_subscription') };
  const isPaid = known.status === 'active' || known.status === 'trialing';
  if (known.ended || !isPaid || asOf < known.asOf) return { rejected: { status: 'stale' } };
  const graceEndsAt = after(asOf, graceMs);
  return { next: { ...known, status: 'past_due', effectiveAt: asOf, asOf, graceEndsAt } };
}

/** The subscription as ended at that instant, because another one replaces it. */
export const endSubscription = (known: StoredSubscription, at: Date): StoredSubscription => ({
  ...known,
  status: 'canceled',
  ended: true,
  effectiveAt: at,
  cancelAt: null,
  graceEndsAt: null,
});

/**
 * The subscription that `replacing` replaces, of which nothing else is known yet. It is stored as ended, so that what still comes of it is too
 * late: webhooks come in any order.
 */
export const replacedSubscription = (
  replacing: StoredSubscription,
  subscriptionId: string,
): StoredSubscription => ({
  ...endSubscription(replacing, replacing.asOf),
  ...{ subscriptionId, planId: null, fetchSequence: null, object: {} },
});

/** Whether both have the same status, plan and end: saving the second one repairs or changes nothing for the user. */
export const isSameSubscription = (a: StoredSubscription, b: StoredSubscription): boolean =>
  a.status === b.status &&
  a.planId === b.planId &&
  a.ended === b.ended &&
  a.cancelAt?.getTime() === b.cancelAt?.getTime();

/** The result for an update that can be applied once any of `waitingFor` is known. */
export const waiting = (waitingFor: readonly string[], reason: string): UpdateResult => ({
  status: 'waiting',
  waitingFor,
  reason,
});

const after = (instant: Date, ms: number): Date => new Date(instant.getTime() + ms);

/** Two updates that both say whose a new subscription is, and differ: the later one is to be tried again, and then finds the owner. */
export class SubscriptionTaken extends Error {
  constructor({ processor, subscriptionId }: Pick<StoredSubscription, 'processor' | 'subscriptionId'>) {
    super(`the subscription ${subscriptionId} of ${processor} was given to another user at this moment`);
  }
}
