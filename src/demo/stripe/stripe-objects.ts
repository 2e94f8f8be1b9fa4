import type { DemoPlan } from '../demo-plans.js';
import { buildEvent } from './stripe-event.js';

/**
 * The prefix of every id of the demo (after Stripe's own, as in `sub_UsherPage…`), so that a developer's test
 * subscriptions are left alone.
 */
export const DEMO_ID_PREFIX = 'UsherPage';
const MONTH_SECONDS = 30 * 86_400;
const RETRY_SECONDS = 3 * 86_400;

/** Whose object it is, when it is made, and where its ids come from. */
export interface ObjectContext {
  readonly userId: string;
  /** Seconds since 1970. */
  readonly now: number;
  /** Returns a fresh id with this prefix. */
  readonly id: (prefix: string) => string;
}

/** The fields of Stripe's subscription object that the demo changes; the others stay as they are in the sample. */
export interface SubscriptionObject {
  readonly id: string;
  readonly customer: string;
  readonly status: 'active' | 'past_due' | 'canceled';
  readonly cancel_at: number | null;
  readonly cancel_at_period_end: boolean;
  readonly canceled_at: number | null;
  readonly ended_at: number | null;
  readonly cancellation_details: { readonly reason: string | null };
  readonly metadata: { readonly userId: string };
  readonly items: { readonly data: readonly SubscriptionItem[]; readonly url: string };
}

interface SubscriptionItem {
  readonly id: string;
  readonly current_period_start: number;
  readonly current_period_end: number;
  readonly plan: object;
  readonly price: { readonly id: string; readonly unit_amount: number; readonly unit_amount_decimal: string };
}

/** An active subscription to the plan whose first month begins now. */
export function newSubscription(plan: DemoPlan, { userId, now, id }: ObjectContext): SubscriptionObject {
  const subscriptionId = id('sub');
  const { data } = buildEvent('customer.subscription.created', {
    id: subscriptionId,
    userId,
    customer: id('cus'),
    created: now,
    object: { default_payment_method: id('pm'), latest_invoice: id('in') },
  });
  const subscription = data.object as unknown as SubscriptionObject;
  const url = `/v1/subscription_items?subscription=${subscriptionId}`;
  const items = subscription.items.data.map((item) => ({
    ...withPlan(plan, item),
    id: id('si'),
    current_period_start: now,
    current_period_end: now + MONTH_SECONDS,
  }));
  return { ...subscription, items: { ...subscription.items, data: items, url } };
}

/** The same item with another plan's price. */
export const withPlan = (
  { price: priceId, name, amount }: DemoPlan,
  item: SubscriptionItem,
): SubscriptionItem => {
  const both = { id: priceId, nickname: `${name}, monthly` };
  return {
    ...item,
    plan: { ...item.plan, ...both, amount, amount_decimal: String(amount) },
    price: { ...item.price, ...both, unit_amount: amount, unit_amount_decimal: String(amount) },
  };
};

/** Stripe's invoice object for a month that could not be paid. */
export function failedInvoice(
  { id: subscriptionId, customer, metadata, items }: SubscriptionObject,
  { now, id }: ObjectContext,
): Record<string, unknown> {
  const amount = items.data[0]?.price.unit_amount ?? 0;
  const invoice = buildEvent('invoice.payment_failed', {
    id: subscriptionId,
    userId: metadata.userId,
    customer,
    created: now,
    object: { ...unpaid(amount), id: id('in'), next_payment_attempt: now + RETRY_SECONDS },
  }).data.object;
  const lines = invoice.lines as { data: object[] };
  const line = { id: id('il'), invoice: invoice.id, amount, subtotal: amount, subscription: subscriptionId };
  return { ...invoice, lines: { ...lines, data: [{ ...lines.data[0], ...line }] } };
}

const unpaid = (amount: number) => ({
  amount_due: amount,
  amount_remaining: amount,
  subtotal: amount,
  subtotal_excluding_tax: amount,
  total: amount,
  total_excluding_tax: amount,
  customer_email: null,
  hosted_invoice_url: null,
  invoice_pdf: null,
});
