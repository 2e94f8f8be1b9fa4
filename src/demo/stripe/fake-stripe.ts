import type { BillingAction } from '../demo.schema.js';
import { BASIC, type DemoPlan, PREMIUM } from '../demo-plans.js';
import type { StripeEventType } from './stripe-event.js';
import {
  failedInvoice,
  newSubscription,
  type ObjectContext,
  type SubscriptionObject,
  withPlan,
} from './stripe-objects.js';

/** A webhook that Stripe would send: an event without its envelope. */
export interface FakeStripeEvent {
  readonly type: StripeEventType;
  readonly object: Readonly<Record<string, unknown>>;
  /** The event's `previous_attributes`. */
  readonly previous?: Readonly<Record<string, unknown>>;
}

/** The action would change nothing. The message is a sentence for the page. */
export class ActionNotPossible extends Error {}

/**
 * Returns the webhooks that Stripe sends when this is done to the user's subscription, in the order in which it sends
 * them. `current` is the subscription object that was sent last. Throws ActionNotPossible.
 */
export function webhooksFor(
  act: BillingAction,
  current: SubscriptionObject | undefined,
  context: ObjectContext,
): FakeStripeEvent[] {
  const running = current && current.status !== 'canceled' ? current : undefined;
  if (act === 'basic' || act === 'premium') {
    const plan = act === 'basic' ? BASIC : PREMIUM;
    return running ? [updated(running, planChange(running, plan))] : [created(plan, context)];
  }
  if (!running) throw new ActionNotPossible('There is no running subscription: subscribe first.');
  switch (act) {
    case 'payment_fails':
      return paymentFails(running, context);
    case 'payment_mended':
      return [updated(running, { status: 'active' })];
    case 'cancel_at_period_end':
      return [updated(running, cancellationAtPeriodEnd(running, context.now))];
    case 'resume':
      return [updated(running, NOT_CANCELED)];
    case 'cancel_now':
      return [
        {
          type: 'customer.subscription.deleted',
          object: { ...running, ...cancellationNow(running, context.now) },
        },
      ];
  }
}

const created = (plan: DemoPlan, context: ObjectContext): FakeStripeEvent => ({
  type: 'customer.subscription.created',
  object: { ...newSubscription(plan, context) },
});

/** `previous_attributes` holds the earlier values of the fields that changed, and of no others. */
function updated(before: SubscriptionObject, change: Partial<SubscriptionObject>): FakeStripeEvent {
  const fields = Object.keys(change) as (keyof SubscriptionObject)[];
  const changed = fields.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(change[field]));
  if (changed.length === 0) throw new ActionNotPossible('Nothing would change, so Stripe sends no webhook.');
  const previous = Object.fromEntries(changed.map((field) => [field, before[field]]));
  return { type: 'customer.subscription.updated', object: { ...before, ...change }, previous };
}

const NOT_CANCELED = { cancel_at: null, cancel_at_period_end: false, canceled_at: null } as const;

const planChange = (running: SubscriptionObject, plan: DemoPlan): Partial<SubscriptionObject> => ({
  ...NOT_CANCELED,
  status: 'active',
  items: { ...running.items, data: running.items.data.map((item) => withPlan(plan, item)) },
});

function paymentFails(running: SubscriptionObject, context: ObjectContext): FakeStripeEvent[] {
  const failed: FakeStripeEvent = {
    type: 'invoice.payment_failed',
    object: failedInvoice(running, context),
  };
  return running.status === 'past_due' ? [failed] : [failed, updated(running, { status: 'past_due' })];
}

const periodEnd = ({ items }: SubscriptionObject): number =>
  Math.max(...items.data.map((item) => item.current_period_end));

const cancellationAtPeriodEnd = (running: SubscriptionObject, now: number): Partial<SubscriptionObject> =>
  running.cancel_at_period_end
    ? {}
    : { cancel_at: periodEnd(running), cancel_at_period_end: true, canceled_at: now };

const cancellationNow = (
  { cancellation_details }: SubscriptionObject,
  now: number,
): Partial<SubscriptionObject> => ({
  ...NOT_CANCELED,
  status: 'canceled',
  canceled_at: now,
  ended_at: now,
  cancellation_details: { ...cancellation_details, reason: 'cancellation_requested' },
});
