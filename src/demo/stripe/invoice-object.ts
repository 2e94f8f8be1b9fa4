import type { ObjectContext, SubscriptionObject } from './subscription-object.js';

const RETRY_SECONDS = 3 * 86_400;

/** Stripe's invoice object (API version 2026-10-28) of a month that could not be paid, as JSON has it. */
export function failedInvoice(subscription: SubscriptionObject, { now, id }: ObjectContext) {
  const [item] = subscription.items.data;
  const amount = item?.price.unit_amount ?? 0;
  const invoice = id('in');
  const line = lineOf(subscription, { id: id('il'), invoice, amount, now });
  return {
    ...invoiceFrame(invoice, now),
    ...amounts(amount),
    customer: subscription.customer,
    lines: { object: 'list', data: [line], has_more: false, url: `/v1/invoices/${invoice}/lines` },
    next_payment_attempt: now + RETRY_SECONDS,
    parent: {
      quote_details: null,
      subscription_details: { metadata: subscription.metadata, subscription: subscription.id },
      type: 'subscription_details',
    },
    period_end: now,
    period_start: item?.current_period_start ?? now,
  };
}

const amounts = (amount: number) => ({
  amount_due: amount,
  amount_overpaid: 0,
  amount_paid: 0,
  amount_paid_off_stripe: 0,
  amount_remaining: amount,
  amount_shipping: 0,
  subtotal: amount,
  subtotal_excluding_tax: amount,
  total: amount,
  total_discount_amounts: [],
  total_excluding_tax: amount,
  total_pretax_credit_amounts: [],
  total_taxes: [],
});

/** What is the same for every invoice of the page. */
const invoiceFrame = (id: string, now: number) => ({
  id,
  object: 'invoice',
  account_country: 'DE',
  account_name: 'Usher’s page',
  account_tax_ids: null,
  application: null,
  attempt_count: 1,
  attempted: true,
  auto_advance: true,
  automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
  automatically_finalizes_at: null,
  billing_reason: 'subscription_cycle',
  collection_method: 'charge_automatically',
  created: now,
  currency: 'eur',
  custom_fields: null,
  customer_account: null,
  customer_address: null,
  customer_email: null,
  customer_name: null,
  customer_phone: null,
  customer_shipping: null,
  customer_tax_exempt: 'none',
  customer_tax_ids: [],
  default_payment_method: null,
  default_source: null,
  default_tax_rates: [],
  description: null,
  discounts: [],
  due_date: null,
  effective_at: now,
  ending_balance: 0,
  footer: null,
  from_invoice: null,
  hosted_invoice_url: null,
  invoice_pdf: null,
  issuer: { type: 'self' },
  last_finalization_error: null,
  latest_revision: null,
  livemode: false,
  metadata: {},
  number: null,
  on_behalf_of: null,
  payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
  post_payment_credit_notes_amount: 0,
  pre_payment_credit_notes_amount: 0,
  receipt_number: null,
  rendering: null,
  shipping_cost: null,
  shipping_details: null,
  starting_balance: 0,
  statement_descriptor: null,
  status: 'open',
  status_transitions: { finalized_at: now, marked_uncollectible_at: null, paid_at: null, voided_at: null },
  test_clock: null,
  webhooks_delivered_at: now,
});

function lineOf(
  { id: subscription, items, metadata }: SubscriptionObject,
  of: { id: string; invoice: string; amount: number; now: number },
) {
  const [item] = items.data;
  return {
    id: of.id,
    object: 'line_item',
    amount: of.amount,
    currency: 'eur',
    description: item?.price.nickname ?? null,
    discount_amounts: [],
    discountable: true,
    discounts: [],
    invoice: of.invoice,
    livemode: false,
    metadata,
    parent: {
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: null,
        proration: false,
        proration_details: { credited_items: null },
        subscription,
        subscription_item: item?.id ?? null,
      },
      type: 'subscription_item_details',
    },
    period: { end: item?.current_period_end ?? of.now, start: item?.current_period_start ?? of.now },
    pretax_credit_amounts: [],
    pricing: {
      price_details: { price: item?.price.id ?? null, product: item?.price.product ?? null },
      type: 'price_details',
      unit_amount_decimal: String(of.amount),
    },
    quantity: 1,
    quantity_decimal: '1',
    subscription,
    subtotal: of.amount,
    taxes: [],
  };
}
