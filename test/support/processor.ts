import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Stripe from 'stripe';
import { call, type Reply } from './back-office.js';

export type StripeEventType =
  | 'customer.subscription.created'
  | 'customer.subscription.updated'
  | 'customer.subscription.deleted'
  | 'invoice.payment_failed';

export interface SubscriptionOptions {
  readonly id?: string;
  readonly userId?: string;
  readonly customer?: string;
  readonly price?: string;
  readonly status?: string;
  readonly created?: number;
  readonly object?: Record<string, unknown>;
  readonly previous?: Record<string, unknown>;
}

/** Stripe, as its webhooks look: real event objects, really signed. */
export interface StripeDriver {
  event(type: StripeEventType, options?: SubscriptionOptions): StripeEvent;
  /** Sends a body with a signature over it. */
  send(event: unknown, signing?: { readonly secret?: string; readonly at?: number; readonly signature?: string }): Promise<Reply>;
  subscription(type: StripeEventType, options?: SubscriptionOptions): Promise<Reply>;
}

export interface StripeEvent {
  readonly id: string;
  readonly type: StripeEventType;
  readonly created: number;
  readonly data: { readonly object: Record<string, unknown>; readonly previous_attributes?: Record<string, unknown> };
  readonly [field: string]: unknown;
}

const sample = (name: string) =>
  JSON.parse(readFileSync(new URL(`../protocol/stripe/${name}.json`, import.meta.url), 'utf8')) as StripeEvent;

export const nowSeconds = (): number => Math.floor(Date.now() / 1_000);

export function stripeDriver(url: string, secret: string): StripeDriver {
  const driver: StripeDriver = {
    event: buildEvent,
    send(event, { secret: other, at, signature } = {}) {
      const payload = typeof event === 'string' ? event : JSON.stringify(event);
      const header = Stripe.webhooks.generateTestHeaderString({ payload, secret: other ?? secret, ...(at !== undefined && { timestamp: at }) });
      return call(url, undefined, 'POST', '/v1/webhooks/stripe', payload, { 'stripe-signature': signature ?? header });
    },
    subscription: (type, options) => driver.send(driver.event(type, options)),
  };
  return driver;
}

/** The published sample of the type, with what the test says of it. */
function buildEvent(type: StripeEventType, options: SubscriptionOptions = {}): StripeEvent {
  const event = structuredClone(sample(type)) as unknown as Mutable;
  event.id = `evt_${randomBytes(12).toString('hex')}`;
  event.created = options.created ?? nowSeconds();
  const { object } = event.data;
  if (type === 'invoice.payment_failed') ofInvoice(object, options);
  else ofSubscription(object, options);
  Object.assign(object, options.object);
  if (options.previous) event.data.previous_attributes = options.previous;
  return event as unknown as StripeEvent;
}

interface Mutable {
  id: string;
  created: number;
  data: { object: Record<string, unknown>; previous_attributes?: Record<string, unknown> };
}

function ofSubscription(object: Record<string, unknown>, options: SubscriptionOptions): void {
  object.id = options.id ?? object.id;
  object.customer = options.customer ?? object.customer;
  object.metadata = options.userId === undefined ? {} : { userId: options.userId };
  if (options.status !== undefined) object.status = options.status;
  if (options.price === undefined) return;
  const items = object.items as { data: { price: { id: string } }[] };
  for (const item of items.data) item.price.id = options.price;
}

function ofInvoice(object: Record<string, unknown>, options: SubscriptionOptions): void {
  object.customer = options.customer ?? object.customer;
  const parent = object.parent as { subscription_details: { subscription: string } };
  if (options.id !== undefined) parent.subscription_details.subscription = options.id;
}
