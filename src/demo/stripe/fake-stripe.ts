import type { BillingAction } from '../demo.schema.js';
import { BASIC, type DemoPlan, PREMIUM } from '../demo-plans.js';
import { failedInvoice } from './invoice-object.js';
import {
  itemOf,
  type ObjectContext,
  newSubscription,
  type SubscriptionObject,
} from './subscription-object.js';

/** What the processor has to say: an event without its envelope. */
export interface FakeStripeEvent {
  readonly type:
    | 'customer.subscription.created'
    | 'customer.subscription.updated'
    | 'customer.subscription.deleted'
    | 'invoice.payment_failed';
  readonly object: Readonly<Record<string, unknown>>;
  readonly previous?: Readonly<Record<string, unknown>>;
}

/** Why there is nothing to do: a sentence for the page. */
export class ActionNotPossible extends Error {}

/**
 * What Stripe sends when this is done to the user's subscription, in the order that it happens. `known` is the object that
 * it sent last. Throws Refused.
 */
export function webhooksFor(
  act: BillingAction,
  known: SubscriptionObject | undefined,
  moment: ObjectContext,
): FakeStripeEvent[] {
  const running = known && known.status !== 'canceled' ? known : undefined;
  if (act === 'basic' || act === 'premium') {
    const plan = act === 'basic' ? BASIC : PREMIUM;
    return running ? [changed(running, toPlan(running, plan))] : [begun(plan, moment)];
  }
  if (!running) throw new ActionNotPossible('There is no running subscription: subscribe first.');
  switch (act) {
    case 'payment_fails':
      return paymentFails(running, moment);
    case 'payment_mended':
      return [changed(running, { status: 'active' })];
    case 'cancel_at_period_end':
      return [changed(running, ending(running, moment.now))];
    case 'resume':
      return [changed(running, GOING_ON)];
    case 'cancel_now':
      return [
        { type: 'customer.subscription.deleted', object: { ...running, ...ended(running, moment.now) } },
      ];
  }
}

const begun = (plan: DemoPlan, moment: ObjectContext): FakeStripeEvent => ({
  type: 'customer.subscription.created',
  object: { ...newSubscription(plan, moment) },
});

/** `previous_attributes` hold what was before, of the fields that changed and of those alone. */
function changed(before: SubscriptionObject, change: Partial<SubscriptionObject>): FakeStripeEvent {
  const fields = Object.keys(change) as (keyof SubscriptionObject)[];
  const different = fields.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(change[field]));
  if (different.length === 0)
    throw new ActionNotPossible('That is how it is already: Stripe has nothing to say.');
  const previous = Object.fromEntries(different.map((field) => [field, before[field]]));
  return { type: 'customer.subscription.updated', object: { ...before, ...change }, previous };
}

const GOING_ON = { cancel_at: null, cancel_at_period_end: false, canceled_at: null } as const;

const toPlan = (running: SubscriptionObject, plan: DemoPlan): Partial<SubscriptionObject> => ({
  ...GOING_ON,
  status: 'active',
  items: { ...running.items, data: running.items.data.map((item) => itemOf(plan, item)) },
});

function paymentFails(running: SubscriptionObject, moment: ObjectContext): FakeStripeEvent[] {
  const invoice: FakeStripeEvent = { type: 'invoice.payment_failed', object: failedInvoice(running, moment) };
  return running.status === 'past_due' ? [invoice] : [invoice, changed(running, { status: 'past_due' })];
}

const periodEnd = ({ items }: SubscriptionObject): number =>
  Math.max(...items.data.map((item) => item.current_period_end));

const ending = (running: SubscriptionObject, now: number): Partial<SubscriptionObject> =>
  running.cancel_at_period_end
    ? {}
    : { cancel_at: periodEnd(running), cancel_at_period_end: true, canceled_at: now };

const ended = ({ cancellation_details }: SubscriptionObject, now: number): Partial<SubscriptionObject> => ({
  ...GOING_ON,
  status: 'canceled',
  canceled_at: now,
  ended_at: now,
  cancellation_details: { ...cancellation_details, reason: 'cancellation_requested' },
});
