import type { DemoPlan } from '../demo-plans.js';

/** How every id of the page begins after its prefix, so that a developer's own test subscriptions are left alone. */
export const DEMO_ID_PREFIX = 'UsherPage';
const MONTH = 30 * 86_400;
const PRODUCT = 'prod_UsherPage';

/** For whom and when, with fresh ids. */
export interface ObjectContext {
  readonly userId: string;
  /** Seconds since 1970. */
  readonly now: number;
  readonly id: (prefix: string) => string;
}

/** Stripe's subscription object (API version 2026-10-28) as JSON has it. */
export type SubscriptionObject = ReturnType<typeof newSubscription>;
type Status = 'active' | 'past_due' | 'canceled';
type Item = ReturnType<typeof newItem>;

export function newSubscription(plan: DemoPlan, { userId, now, id }: ObjectContext) {
  const subscription = id('sub');
  return {
    id: subscription,
    object: 'subscription',
    application: null,
    application_fee_percent: null,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null },
    billing_cycle_anchor: now,
    billing_cycle_anchor_config: null,
    billing_mode: { flexible: { proration_discounts: 'included' }, type: 'flexible', updated_at: now },
    billing_schedules: [],
    billing_thresholds: null,
    cancel_at: null as number | null,
    cancel_at_period_end: false as boolean,
    canceled_at: null as number | null,
    cancellation_details: {
      comment: null,
      feedback: null,
      feedback_option: null,
      reason: null as string | null,
    },
    collection_method: 'charge_automatically',
    created: now,
    currency: 'eur',
    customer: id('cus'),
    customer_account: null,
    days_until_due: null,
    default_payment_method: id('pm'),
    default_source: null,
    default_tax_rates: [],
    description: null,
    discounts: [],
    ended_at: null as number | null,
    invoice_settings: {
      account_tax_ids: null,
      custom_fields: null,
      description: null,
      footer: null,
      issuer: { type: 'self' },
    },
    items: {
      object: 'list',
      data: [newItem(plan, subscription, now, id('si'))],
      has_more: false,
      url: `/v1/subscription_items?subscription=${subscription}`,
    },
    latest_invoice: id('in'),
    livemode: false,
    managed_payments: { enabled: false },
    metadata: { userId },
    next_pending_invoice_item_invoice: null,
    on_behalf_of: null,
    pause_collection: null,
    payment_settings: {
      payment_method_options: null,
      payment_method_types: null,
      save_default_payment_method: 'off',
    },
    pending_invoice_item_interval: null,
    pending_setup_intent: null,
    pending_update: null,
    schedule: null,
    start_date: now,
    status: 'active' as Status,
    test_clock: null,
    transfer_data: null,
    trial_end: null,
    trial_settings: {
      end_behavior: { billing_cycle_anchor: null, missing_payment_method: 'create_invoice' },
    },
    trial_start: null,
  };
}

/** The same item with another plan's price. */
export const itemOf = (plan: DemoPlan, item: Item): Item => ({ ...item, ...priced(plan, item.created) });

const newItem = (plan: DemoPlan, subscription: string, now: number, id: string) => ({
  id,
  object: 'subscription_item',
  billing_thresholds: null,
  created: now,
  current_period_end: now + MONTH,
  current_period_start: now,
  current_trial: null,
  discounts: [],
  metadata: {},
  ...priced(plan, now),
  quantity: 1,
  subscription,
  tax_rates: [],
});

function priced({ price, name, amount }: DemoPlan, created: number) {
  const interval = {
    interval: 'month',
    interval_count: 1,
    meter: null,
    trial_period_days: null,
    usage_type: 'licensed',
  };
  const both = {
    id: price,
    active: true,
    billing_scheme: 'per_unit',
    created,
    currency: 'eur',
    livemode: false,
    metadata: {},
    nickname: `${name}, monthly`,
    product: PRODUCT,
    tiers_mode: null,
  };
  return {
    plan: {
      ...both,
      object: 'plan',
      amount,
      amount_decimal: String(amount),
      transform_usage: null,
      ...interval,
    },
    price: {
      ...both,
      object: 'price',
      custom_unit_amount: null,
      lookup_key: null,
      recurring: interval,
      tax_behavior: 'inclusive',
      transform_quantity: null,
      type: 'recurring',
      unit_amount: amount,
      unit_amount_decimal: String(amount),
    },
  };
}
