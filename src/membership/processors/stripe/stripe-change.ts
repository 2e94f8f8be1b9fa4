import type Stripe from 'stripe';
import { type ChangeOrder, ChangeRefused } from '../processor.js';

/** One call of Stripe's API. */
export type StripeChange =
  | { readonly call: 'update'; readonly params: Stripe.SubscriptionUpdateParams }
  | { readonly call: 'resume'; readonly params: Stripe.SubscriptionResumeParams };

/** What is asked of Stripe for a legal change; `price` is the price to change to. Throws ChangeRefused. */
export function toStripeChange(
  { action, fromPrices }: Pick<ChangeOrder, 'action' | 'fromPrices'>,
  object: Stripe.Subscription,
  price: string | undefined,
): StripeChange {
  if (action === 'cancel') return { call: 'update', params: { cancel_at_period_end: true } };
  if (action === 'resume') return resume(object);
  const [first] = object.items.data;
  const item = object.items.data.find((one) => fromPrices.includes(one.price.id)) ?? first;
  if (!item || price === undefined) throw new ChangeRefused('This subscription has nothing to change.');
  return {
    call: 'update',
    params: {
      items: [{ id: item.id, price }],
      proration_behavior: 'create_prorations',
      // What cannot be paid is refused, instead of giving the new plan on credit.
      payment_behavior: 'error_if_incomplete',
    },
  };
}

/** There are three ways not to go on at Stripe, and each has its own way back. */
function resume(object: Stripe.Subscription): StripeChange {
  if (object.status === 'paused') return { call: 'resume', params: {} };
  const end: Stripe.SubscriptionUpdateParams = object.cancel_at_period_end
    ? { cancel_at_period_end: false }
    : { ...(object.cancel_at && { cancel_at: '' as const }) };
  return { call: 'update', params: { ...end, ...(object.pause_collection && { pause_collection: '' }) } };
}
