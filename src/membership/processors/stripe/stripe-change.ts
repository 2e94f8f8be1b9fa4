import type Stripe from 'stripe';
import { type ChangeOrder, ChangeRefused } from '../processor.js';

/** One call of Stripe's API. */
export type StripeChange =
  | { readonly call: 'update'; readonly params: Stripe.SubscriptionUpdateParams }
  | { readonly call: 'resume'; readonly params: Stripe.SubscriptionResumeParams };

/** The call that executes an allowed change; `price` is the price to change to, for `change_plan`. Throws ChangeRefused. */
export function toStripeChange(
  { action, fromPrices }: Pick<ChangeOrder, 'action' | 'fromPrices'>,
  object: Stripe.Subscription,
  price: string | undefined,
): StripeChange {
  if (action === 'cancel') return { call: 'update', params: { cancel_at_period_end: true } };
  if (action === 'resume') return toResume(object);
  const [first] = object.items.data;
  const item = object.items.data.find((one) => fromPrices.includes(one.price.id)) ?? first;
  if (!item || price === undefined) throw new ChangeRefused('This subscription has nothing to change.');
  return {
    call: 'update',
    params: {
      items: [{ id: item.id, price }],
      proration_behavior: 'create_prorations',
      // When the first payment fails the change is refused, instead of granting the new plan on credit.
      payment_behavior: 'error_if_incomplete',
    },
  };
}

/** Stripe has three ways to stop a subscription (paused, canceled later, collection paused), and each is undone in its own way. */
function toResume(object: Stripe.Subscription): StripeChange {
  if (object.status === 'paused') return { call: 'resume', params: {} };
  const end: Stripe.SubscriptionUpdateParams = object.cancel_at_period_end
    ? { cancel_at_period_end: false }
    : { ...(object.cancel_at && { cancel_at: '' as const }) };
  return { call: 'update', params: { ...end, ...(object.pause_collection && { pause_collection: '' }) } };
}
