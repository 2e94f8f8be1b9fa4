import { createHmac } from 'node:crypto';
import {
  buildEvent,
  type StripeEvent,
  type StripeEventType,
} from '../../../../src/demo/stripe/stripe-event.js';
import type { UsherApi } from '../api/usher-api.js';

/** What Stripe can be made to say, and the webhook that says it. */
export const TRIGGERS = {
  'subscription.created': { type: 'customer.subscription.created', status: 'active' },
  'subscription.updated': { type: 'customer.subscription.updated', status: 'active' },
  'subscription.paused': { type: 'customer.subscription.updated', status: 'paused' },
  'subscription.past_due': { type: 'customer.subscription.updated', status: 'past_due' },
  'subscription.canceled': { type: 'customer.subscription.deleted', status: 'canceled' },
  'invoice.payment_failed': { type: 'invoice.payment_failed', status: undefined },
} as const satisfies Record<string, { type: StripeEventType; status: string | undefined }>;
/** One of TRIGGERS. */
export type Trigger = keyof typeof TRIGGERS;

/** Whose subscription it is. */
export interface TriggeredSubscription {
  readonly userId: string;
  readonly subscriptionId: string;
  readonly customer: string;
  readonly price?: string;
  /** When it happened, in seconds since 1970; now when left out. */
  readonly created?: number;
}

/** The webhook of a trigger, from the samples that the demo and the tests use. */
export function triggeredEvent(trigger: Trigger, of: TriggeredSubscription): StripeEvent {
  const { type, status } = TRIGGERS[trigger];
  const { userId, subscriptionId, customer, price, created } = of;
  return buildEvent(type, {
    id: subscriptionId,
    userId,
    customer,
    ...(status !== undefined && { status }),
    ...(price !== undefined && { price }),
    ...(created !== undefined && { created }),
  });
}

/** Signs the webhook with the endpoint's secret and posts it, as Stripe would. Returns the response. Throws as the API's calls do. */
export function sendStripeEvent(api: UsherApi, event: StripeEvent, secrets: string): Promise<unknown> {
  const body = JSON.stringify(event);
  const [secret = ''] = secrets.split(',');
  return api.call('POST', '/v1/webhooks/stripe', {
    body,
    headers: { 'stripe-signature': stripeSignature(body, secret.trim(), Math.floor(Date.now() / 1_000)) },
  });
}

/** https://docs.stripe.com/webhooks#verify-manually */
function stripeSignature(payload: string, secret: string, at: number): string {
  return `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${payload}`).digest('hex')}`;
}
