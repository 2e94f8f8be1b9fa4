import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { call, type HttpReply } from './back-office.js';

export type StripeEventType =
  | 'customer.subscription.created'
  | 'customer.subscription.updated'
  | 'customer.subscription.deleted'
  | 'invoice.payment_failed';

export interface StripeEventOptions {
  readonly id?: string;
  readonly userId?: string;
  readonly customer?: string;
  readonly price?: string;
  readonly status?: string;
  readonly created?: number;
  readonly object?: Record<string, unknown>;
  readonly previous?: Record<string, unknown>;
}

/** Stripe's webhooks: complete event objects with real signatures. */
export interface StripeWebhooks {
  /** Builds an event without sending it. */
  event(type: StripeEventType, options?: StripeEventOptions): StripeEvent;
  /** Signs an event or a raw body and posts it. */
  send(
    event: unknown,
    signing?: { readonly secret?: string; readonly at?: number; readonly signature?: string },
  ): Promise<HttpReply>;
  /** Builds an event and sends it. */
  sendEvent(type: StripeEventType, options?: StripeEventOptions): Promise<HttpReply>;
  /** Signs and posts an event again, as Stripe does, until the reply is 2xx. Returns the number of attempts. */
  deliverWithRetries(event: StripeEvent, deadlineMs?: number): Promise<number>;
}

export interface StripeEvent {
  readonly id: string;
  readonly type: StripeEventType;
  readonly created: number;
  readonly data: {
    readonly object: Record<string, unknown>;
    readonly previous_attributes?: Record<string, unknown>;
  };
  readonly [field: string]: unknown;
}

const sample = (name: string) =>
  JSON.parse(
    readFileSync(new URL(`../../protocol/stripe/${name}.json`, import.meta.url), 'utf8'),
  ) as StripeEvent;

/** Returns the `Stripe-Signature` header of a payload: https://docs.stripe.com/webhooks#verify-manually */
export function stripeSignature(payload: string, secret: string, at = nowSeconds()): string {
  const hash = createHmac('sha256', secret).update(`${at}.${payload}`).digest('hex');
  return `t=${at},v1=${hash}`;
}

/** Returns the ids of the user's subscription and customer. */
export const subscriptionIds = (userId: string) => ({
  id: `sub_${userId}`,
  userId,
  customer: `cus_${userId}`,
});

/** Returns the current time in seconds, as Stripe counts it. */
export const nowSeconds = (): number => Math.floor(Date.now() / 1_000);

/** Returns Stripe's webhooks to the node at this URL, signed with the secret. */
export function stripeWebhooks(url: string, secret: string): StripeWebhooks {
  const webhooks: StripeWebhooks = {
    event: buildStripeEvent,
    send(event, { secret: other, at, signature } = {}) {
      const payload = typeof event === 'string' ? event : JSON.stringify(event);
      return call(url, undefined, 'POST', '/v1/webhooks/stripe', payload, {
        'stripe-signature': signature ?? stripeSignature(payload, other ?? secret, at),
      });
    },
    sendEvent: (type, options) => webhooks.send(webhooks.event(type, options)),
    async deliverWithRetries(event, deadlineMs = 30_000) {
      const until = Date.now() + deadlineMs;
      for (let attempt = 1; Date.now() < until; attempt += 1) {
        const status = await webhooks.send(event).then(
          (reply) => reply.status,
          () => 0,
        );
        if (status >= 200 && status < 300) return attempt;
        // A 4xx would never become a 2xx: the test is wrong, or the server is.
        if (status >= 400 && status < 500) throw new Error(`webhook ${event.id} was rejected with ${status}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error(`webhook ${event.id} was never accepted`);
    },
  };
  return webhooks;
}

/** Returns Stripe's published sample of the event type, moved to `created` and changed by the options. */
export function buildStripeEvent(type: StripeEventType, options: StripeEventOptions = {}): StripeEvent {
  const published = sample(type);
  const created = options.created ?? nowSeconds();
  const event = shiftTimes(published, created - published.created) as Mutable;
  event.id = `evt_${randomBytes(12).toString('hex')}`;
  const { object } = event.data;
  if (type === 'invoice.payment_failed') fillInvoice(object, options);
  else fillSubscription(object, options);
  Object.assign(object, options.object);
  if (options.previous) event.data.previous_attributes = options.previous;
  return event as unknown as StripeEvent;
}

interface Mutable {
  id: string;
  data: { object: Record<string, unknown>; previous_attributes?: Record<string, unknown> };
}

/** No amount or count in the samples is this large, so larger numbers are times. */
const INSTANTS_FROM = 1_500_000_000;

/** Returns the value with every time moved by so many seconds, so that periods keep their distance to the event. */
function shiftTimes(value: unknown, bySeconds: number): unknown {
  if (typeof value === 'number') return value >= INSTANTS_FROM ? value + bySeconds : value;
  if (Array.isArray(value)) return value.map((inner) => shiftTimes(inner, bySeconds));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, shiftTimes(inner, bySeconds)]),
  );
}

function fillSubscription(object: Record<string, unknown>, options: StripeEventOptions): void {
  object.id = options.id ?? object.id;
  object.customer = options.customer ?? object.customer;
  object.metadata = options.userId === undefined ? {} : { userId: options.userId };
  if (options.status !== undefined) object.status = options.status;
  const items = object.items as {
    data: { subscription: unknown; price: { id: string }; plan: { id: string } }[];
  };
  for (const item of items.data) {
    item.subscription = object.id;
    if (options.price !== undefined) item.price.id = item.plan.id = options.price;
  }
}

function fillInvoice(object: Record<string, unknown>, options: StripeEventOptions): void {
  object.customer = options.customer ?? object.customer;
  const parent = object.parent as {
    subscription_details: { subscription: string; metadata: Record<string, string> };
  };
  parent.subscription_details.metadata = options.userId === undefined ? {} : { userId: options.userId };
  if (options.id !== undefined) parent.subscription_details.subscription = options.id;
}
