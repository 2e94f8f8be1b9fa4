import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The event types of which there is a sample in samples/. */
export type StripeEventType =
  | 'customer.subscription.created'
  | 'customer.subscription.updated'
  | 'customer.subscription.deleted'
  | 'invoice.payment_failed';

/** Stripe's event object as it is sent to a webhook endpoint. `created` is in seconds since 1970. */
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

/** What a new event says about the subscription. What is left out stays as it is in the sample, except that no user is named. */
export interface StripeEventOptions {
  /** The subscription's id. */
  readonly id?: string;
  readonly userId?: string;
  readonly customer?: string;
  readonly price?: string;
  readonly status?: string;
  /** When the event happened, in seconds since 1970; now when left out. */
  readonly created?: number;
  /** Fields of the event's object that replace those of the sample. */
  readonly object?: Record<string, unknown>;
  /** The event's `previous_attributes`. */
  readonly previous?: Record<string, unknown>;
}

/**
 * Stripe's own sample of the type, as if it happened at `created` (seconds since 1970). The samples are the one place
 * that knows the shape of Stripe's objects; test/protocol/stripe-samples.test.ts checks them against the types of Stripe's
 * library.
 */
export function sampleEvent(type: StripeEventType, created: number): StripeEvent {
  const text = readFileSync(new URL(`samples/${type}.json`, import.meta.url), 'utf8');
  const sample = JSON.parse(text) as StripeEvent;
  return shiftTimestamps(sample, created - sample.created) as StripeEvent;
}

/** A new event of the type, with an id of its own: the sample with these options applied. */
export function buildEvent(type: StripeEventType, options: StripeEventOptions = {}): StripeEvent {
  const event = sampleEvent(type, options.created ?? Math.floor(Date.now() / 1_000));
  const { object } = event.data;
  if (type === 'invoice.payment_failed') applyToInvoice(object, options);
  else applyToSubscription(object, options);
  Object.assign(object, options.object);
  return {
    ...event,
    id: `evt_${randomBytes(12).toString('hex')}`,
    data: { ...event.data, ...(options.previous && { previous_attributes: options.previous }) },
  };
}

/** No amount or count in the samples is this large: a larger number is a timestamp. */
const MIN_TIMESTAMP = 1_500_000_000;

/** A copy in which every timestamp is shifted by the same seconds, so that periods keep their distance from the event. */
function shiftTimestamps(value: unknown, bySeconds: number): unknown {
  if (typeof value === 'number') return value >= MIN_TIMESTAMP ? value + bySeconds : value;
  if (Array.isArray(value)) return value.map((inner) => shiftTimestamps(inner, bySeconds));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, shiftTimestamps(inner, bySeconds)]),
  );
}

function applyToSubscription(object: Record<string, unknown>, options: StripeEventOptions): void {
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

function applyToInvoice(object: Record<string, unknown>, options: StripeEventOptions): void {
  object.customer = options.customer ?? object.customer;
  const parent = object.parent as {
    subscription_details: { subscription: string; metadata: Record<string, string> };
  };
  parent.subscription_details.metadata = options.userId === undefined ? {} : { userId: options.userId };
  if (options.id !== undefined) parent.subscription_details.subscription = options.id;
}
