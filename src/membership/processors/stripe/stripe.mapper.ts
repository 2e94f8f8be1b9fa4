import { isDeepStrictEqual } from 'node:util';
import type Stripe from 'stripe';
import { userId } from '../../../platform/auth/ids.schema.js';
import type { Status } from '../../membership.js';
import type { PaymentFailure, SubscriptionUpdate, ProcessorUpdate } from '../processor.js';

/** Stripe's statuses in ours. A subscription that is unpaid, was never paid or has an unknown status grants nothing. */
const STATUS: Record<Stripe.Subscription.Status, Status> = {
  trialing: 'trialing',
  active: 'active',
  past_due: 'past_due',
  paused: 'paused',
  canceled: 'canceled',
  unpaid: 'canceled',
  incomplete: 'none',
  incomplete_expired: 'canceled',
};
/** Statuses that Stripe never changes again. */
const FINAL: ReadonlySet<string> = new Set(['canceled', 'incomplete_expired']);

const date = (seconds: number): Date => new Date(seconds * 1_000);
/** A reference is an id, or the object itself where it was requested expanded. */
function idOf(reference: string | { id: string } | null | undefined): string | undefined {
  const id: unknown = typeof reference === 'string' ? reference : reference?.id;
  return typeof id === 'string' ? id : undefined;
}

/** Maps a verified event of Stripe. */
export function mapStripeEvent(event: Stripe.Event): ProcessorUpdate {
  switch (event.type) {
    case 'customer.subscription.created':
    case 'customer.subscription.updated':
    case 'customer.subscription.deleted':
    case 'customer.subscription.paused':
    case 'customer.subscription.resumed':
    case 'customer.subscription.pending_update_applied':
    case 'customer.subscription.pending_update_expired':
      return mapSubscriptionEvent(event, event.data.object);
    case 'invoice.payment_failed':
      return mapPaymentFailure(event, event.data.object);
    // These grant nothing by themselves: one invoice may be paid while another is not.
    case 'invoice.paid':
    case 'invoice.payment_succeeded':
    case 'invoice.payment_action_required':
    case 'invoice.marked_uncollectible':
    case 'invoice.voided':
      return hint(subscriptionOf(event.data.object));
    case 'subscription_schedule.updated':
    case 'subscription_schedule.canceled':
    case 'subscription_schedule.completed':
    case 'subscription_schedule.released':
    case 'subscription_schedule.aborted':
      return hint(idOf(event.data.object.subscription) ?? idOf(event.data.object.released_subscription));
    default:
      return { kind: 'unrelated' };
  }
}

/** Maps Stripe's subscription object, as it was at `asOf`. */
export function mapStripeSubscription(object: Stripe.Subscription, asOf: Date): SubscriptionUpdate {
  const ended = FINAL.has(object.status);
  return {
    kind: 'subscription',
    subscriptionId: object.id,
    customerId: idOf(object.customer) ?? '',
    userId: userId.safeParse(object.metadata?.userId).data,
    status: ended ? 'canceled' : statusOf(object),
    priceIds: object.items.data.map((item) => item.price.id),
    effectiveAt: ended && object.ended_at ? date(object.ended_at) : asOf,
    cancelAt: ended ? null : cancelAt(object),
    ended,
    asOf,
    object: object as unknown as Record<string, unknown>,
    follows: () => false,
  };
}

function mapSubscriptionEvent(event: Stripe.Event, object: Stripe.Subscription): SubscriptionUpdate {
  const isEnd = event.type === 'customer.subscription.deleted';
  const previous = (event.data.previous_attributes ?? {}) as Record<string, unknown>;
  return {
    ...mapStripeSubscription(isEnd ? { ...object, status: 'canceled' } : object, date(event.created)),
    object: object as unknown as Record<string, unknown>,
    follows: (stored) => event.type !== 'customer.subscription.created' && changedFrom(stored, previous),
  };
}

const hint = (subscriptionId: string | undefined): ProcessorUpdate =>
  subscriptionId === undefined ? { kind: 'unrelated' } : { kind: 'hint', subscriptionId };

/** Pausing payment collection does not change Stripe's status, but the user does not pay meanwhile: that is `paused` here. */
function statusOf({ status, pause_collection }: Stripe.Subscription): Status {
  const known = Object.hasOwn(STATUS, status) ? (STATUS[status] ?? 'none') : 'none';
  return pause_collection && (known === 'active' || known === 'trialing') ? 'paused' : known;
}

function cancelAt(object: Stripe.Subscription): Date | null {
  if (object.cancel_at) return date(object.cancel_at);
  if (!object.cancel_at_period_end) return null;
  const periodEnds = object.items.data.map((item) => item.current_period_end);
  return periodEnds.length > 0 ? date(Math.max(...periodEnds)) : null;
}

/** Whether `previous_attributes`, the values before the event, are those of the stored object: then the event came after it. */
function changedFrom(stored: Record<string, unknown>, previous: Record<string, unknown>): boolean {
  const changed = Object.entries(previous).filter(([, value]) => typeof value !== 'object' || value === null);
  return changed.every(([name, value]) => isDeepStrictEqual(stored[name] ?? null, value));
}

function mapPaymentFailure(
  event: Stripe.Event,
  invoice: Stripe.Invoice,
): PaymentFailure | { kind: 'unrelated' } {
  const subscriptionId = subscriptionOf(invoice);
  const customerId = idOf(invoice.customer) ?? '';
  if (!subscriptionId) return { kind: 'unrelated' };
  return { kind: 'payment_failure', subscriptionId, customerId, asOf: date(event.created) };
}

/** API versions before 2025-03-31 have the subscription at the top level of the invoice. */
function subscriptionOf(invoice: Stripe.Invoice): string | undefined {
  const { subscription } = invoice as unknown as { subscription?: string | { id: string } | null };
  return idOf(invoice.parent?.subscription_details?.subscription) ?? idOf(subscription);
}
