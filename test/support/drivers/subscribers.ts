import type { HttpReply } from './back-office.js';
import { PREMIUM } from './back-office.js';
import { nowSeconds, subscriptionIds } from './stripe-webhooks.js';
import type { TestUsher } from './usher.js';

/** Creates two plans with a Stripe price each: `duo` with two streams at once, `solo` with one. */
export async function putPlans({ backOffice }: TestUsher): Promise<void> {
  await backOffice.putPlan('duo', ['price_duo'], { ...PREMIUM, maxStreams: 2 });
  await backOffice.putPlan('solo', ['price_solo'], { ...PREMIUM, maxStreams: 1 });
}

/** Grows by a second with each event, so that each event is later than the one before. */
let clock = 0;

/** Sends the webhook of an active subscription to this plan. */
export function subscribe(
  usher: TestUsher,
  userId: string,
  plan: 'duo' | 'solo' = 'duo',
): Promise<HttpReply> {
  return sendSubscriptionEvent(usher, userId, 'customer.subscription.updated', {
    status: 'active',
    price: `price_${plan}`,
  });
}

/** Sends the webhook of the subscription's end. */
export function cancel(usher: TestUsher, userId: string): Promise<HttpReply> {
  return sendSubscriptionEvent(usher, userId, 'customer.subscription.deleted', { status: 'canceled' });
}

/** Sends the webhook of a paused subscription, which unlike an end is not final. */
export function pause(usher: TestUsher, userId: string): Promise<HttpReply> {
  return sendSubscriptionEvent(usher, userId, 'customer.subscription.updated', { status: 'paused' });
}

/** Sends a webhook about the user's subscription to `duo`, with the given changes. */
export function sendSubscriptionEvent(
  usher: TestUsher,
  userId: string,
  type: Parameters<TestUsher['stripe']['sendEvent']>[0],
  more: Record<string, unknown>,
): Promise<HttpReply> {
  clock += 1;
  const of = { ...subscriptionIds(userId), price: 'price_duo' };
  return usher.stripe.sendEvent(type, { ...of, created: nowSeconds() - 100 + clock, ...more });
}

/** A started or renewed stream. */
export interface StreamGrant {
  readonly streamId: string;
  readonly lease: string;
  readonly expiresAt: string;
}

/** Requests a stream, as an edge node does. */
export function startStream(
  { backOffice }: TestUsher,
  userId: string,
  more: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<HttpReply<StreamGrant & Record<string, unknown>>> {
  const body = { userId, deviceId: `${userId}-tv`, titleId: 'dark', edgeId: 'edge-1', ...more };
  return backOffice.call('POST', '/v1/streams', body, headers) as Promise<
    HttpReply<StreamGrant & Record<string, unknown>>
  >;
}

/** Renews a stream, as an edge node does. */
export const renewStream = ({ backOffice }: TestUsher, streamId: string) =>
  backOffice.call('PUT', `/v1/streams/${streamId}`) as Promise<
    HttpReply<StreamGrant & Record<string, unknown>>
  >;
