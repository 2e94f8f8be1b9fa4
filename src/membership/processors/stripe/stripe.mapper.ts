import { isDeepStrictEqual } from 'node:util';
import type Stripe from 'stripe';
import { userId } from '../../../platform/auth/ids.schema.js';
import type { Status } from '../../membership.js';
import type { PaymentFailure, SubscriptionUpdate, ProcessorUpdate } from '../processor.js';

/** Stripe's statuses in ours. An unpaid or never paid subscription gives nothing; unknown ones neither. */
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
const FINAL: ReadonlySet<string> = new Set(['canceled', 'incomplete_expired']);

const date = (seconds: number): Date => new Date(seconds * 1_000);
/** A reference is an id, or the object itself where it was asked for spelled out. */
function idOf(reference: string | { id: string } | null | undefined): string | undefined {
  const id: unknown = typeof reference === 'string' ? reference : reference?.id;
  return typeof id === 'string' ? id : undefined;
}

/** What a Stripe event says of a membership. */
export function mapStripeEvent(event: Stripe.Event): ProcessorUpdate {
  switch (event.type) {
    case 'customer.subscription.created':
    case 'customer.subscription.updated':
    case 'customer.subscription.deleted':
    case 'customer.subscription.paused':
    case 'customer.subscription.resumed':
    case 'customer.subscription.pending_update_applied':
    case 'customer.subscription.pending_update_expired':
      return spoken(event, event.data.object);
    case 'invoice.payment_failed':
      return paymentFailed(event, event.data.object);
    // They never widen what was known by themselves: one invoice may be paid while another is not.
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
      return { about: 'other' };
  }
}

/** What Stripe's object says, as it was at that instant. */
export function mapStripeSubscription(object: Stripe.Subscription, asOf: Date): SubscriptionUpdate {
  const ended = FINAL.has(object.status);
  return {
    about: 'subscription',
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

function spoken(event: Stripe.Event, object: Stripe.Subscription): SubscriptionUpdate {
  const isEnd = event.type === 'customer.subscription.deleted';
  const previous = (event.data.previous_attributes ?? {}) as Record<string, unknown>;
  return {
    ...mapStripeSubscription(isEnd ? { ...object, status: 'canceled' } : object, date(event.created)),
    object: object as unknown as Record<string, unknown>,
    follows: (stored) => event.type !== 'customer.subscription.created' && changedFrom(stored, previous),
  };
}

const hint = (subscriptionId: string | undefined): ProcessorUpdate =>
  subscriptionId === undefined ? { about: 'other' } : { about: 'hint', subscriptionId };

/** Payment collection that is paused leaves Stripe's status as it was; what the user pays for is paused all the same. */
function statusOf({ status, pause_collection }: Stripe.Subscription): Status {
  const known = Object.hasOwn(STATUS, status) ? (STATUS[status] ?? 'none') : 'none';
  return pause_collection && (known === 'active' || known === 'trialing') ? 'paused' : known;
}

function cancelAt(object: Stripe.Subscription): Date | null {
  if (object.cancel_at) return date(object.cancel_at);
  if (!object.cancel_at_period_end) return null;
  const ends = object.items.data.map((item) => item.current_period_end);
  return ends.length > 0 ? date(Math.max(...ends)) : null;
}

/** `previous_attributes` hold what the object was before: it came after the stored one if that is what was stored. */
function changedFrom(stored: Record<string, unknown>, previous: Record<string, unknown>): boolean {
  const changed = Object.entries(previous).filter(([, value]) => typeof value !== 'object' || value === null);
  return changed.every(([name, value]) => isDeepStrictEqual(stored[name] ?? null, value));
}

function paymentFailed(event: Stripe.Event, invoice: Stripe.Invoice): PaymentFailure | { about: 'other' } {
  const subscriptionId = subscriptionOf(invoice);
  const customerId = idOf(invoice.customer) ?? '';
  if (!subscriptionId) return { about: 'other' };
  return { about: 'payment_failed', subscriptionId, customerId, asOf: date(event.created) };
}

/** API versions before 2025-03-31 name the subscription at the top. */
function subscriptionOf(invoice: Stripe.Invoice): string | undefined {
  const { subscription } = invoice as unknown as { subscription?: string | { id: string } | null };
  return idOf(invoice.parent?.subscription_details?.subscription) ?? idOf(subscription);
}
