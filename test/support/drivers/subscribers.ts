import { PREMIUM } from './back-office.js';
import type { HttpReply } from './back-office.js';
import { nowSeconds } from './stripe-webhooks.js';
import type { TestUsher } from './usher.js';

/** Two plans that Stripe's prices belong to: `duo` with two streams at once, `solo` with one. */
export async function putPlans({ backOffice }: TestUsher): Promise<void> {
  await backOffice.putPlan('duo', ['price_duo'], { ...PREMIUM, maxStreams: 2 });
  await backOffice.putPlan('solo', ['price_solo'], { ...PREMIUM, maxStreams: 1 });
}

/** Seconds from now that the processor's clock shows at each change, so that each is later than the one before. */
let clock = 0;

/** The processor says that the user is on this plan. */
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

/** The processor says that it is over. */
export function cancel(usher: TestUsher, userId: string): Promise<HttpReply> {
  return sendSubscriptionEvent(usher, userId, 'customer.subscription.deleted', { status: 'canceled' });
}

/** The processor says that it pays for nothing at the moment. Unlike an end this is not final. */
export function pause(usher: TestUsher, userId: string): Promise<HttpReply> {
  return sendSubscriptionEvent(usher, userId, 'customer.subscription.updated', { status: 'paused' });
}

export function sendSubscriptionEvent(
  usher: TestUsher,
  userId: string,
  type: Parameters<TestUsher['stripe']['sendEvent']>[0],
  more: Record<string, unknown>,
): Promise<HttpReply> {
  clock += 1;
  const of = { id: `sub_${userId}`, userId, customer: `cus_${userId}`, price: 'price_duo' };
  return usher.stripe.sendEvent(type, { ...of, created: nowSeconds() - 100 + clock, ...more });
}

export interface StreamGrant {
  readonly streamId: string;
  readonly lease: string;
  readonly expiresAt: string;
}

/** An edge node asks for a stream. */
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

export const renewStream = ({ backOffice }: TestUsher, streamId: string) =>
  backOffice.call('PUT', `/v1/streams/${streamId}`) as Promise<
    HttpReply<StreamGrant & Record<string, unknown>>
  >;
