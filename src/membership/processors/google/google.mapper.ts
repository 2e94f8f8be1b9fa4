import { z } from 'zod';
import type { Status } from '../../membership.js';
import type { SubscriptionUpdate, ProcessorUpdate } from '../processor.js';

const purchase = z.object({ purchaseToken: z.string().min(1).max(2_048) });
const notification = z.object({
  packageName: z.string(),
  subscriptionNotification: purchase.extend({ notificationType: z.int() }).optional(),
  voidedPurchaseNotification: purchase.optional(),
});

/** Which purchase to ask about, and what kind of event it was: `subscription.4` is Google's SUBSCRIPTION_PURCHASED. */
export function mapGoogleNotification(
  payload: unknown,
  packageName: string | undefined,
): { type: string; word: ProcessorUpdate } {
  const { success, data } = notification.safeParse(payload);
  if (!success || data.packageName !== packageName)
    return { type: 'unknown', word: { about: 'other', reason: success ? 'another_app' : 'unknown_type' } };
  const { subscriptionNotification: subscription, voidedPurchaseNotification: voided } = data;
  const found = subscription ?? voided;
  if (!found) return { type: 'other', word: { about: 'other', reason: 'unknown_type' } };
  const type = subscription ? `subscription.${subscription.notificationType}` : 'voided';
  return { type, word: { about: 'hint', subscriptionId: found.purchaseToken } };
}

/** `subscriptionState` of SubscriptionPurchaseV2. On hold nothing is granted any more; the grace period came before. */
const STATUS: Readonly<Record<string, Status>> = {
  SUBSCRIPTION_STATE_PENDING: 'none',
  SUBSCRIPTION_STATE_ACTIVE: 'active',
  SUBSCRIPTION_STATE_PAUSED: 'paused',
  SUBSCRIPTION_STATE_IN_GRACE_PERIOD: 'past_due',
  SUBSCRIPTION_STATE_ON_HOLD: 'canceled',
  SUBSCRIPTION_STATE_CANCELED: 'active',
  SUBSCRIPTION_STATE_EXPIRED: 'canceled',
  SUBSCRIPTION_STATE_PENDING_PURCHASE_CANCELED: 'canceled',
};

const item = z.object({
  productId: z.string(),
  expiryTime: z.iso.datetime({ offset: true }).optional(),
  offerDetails: z.object({ basePlanId: z.string().optional() }).optional(),
  offerPhase: z.object({ freeTrial: z.unknown().optional() }).optional(),
});
export const subscriptionPurchase = z.object({
  subscriptionState: z.string(),
  lineItems: z.array(item).default([]),
  linkedPurchaseToken: z.string().optional(),
  externalAccountIdentifiers: z.object({ obfuscatedExternalAccountId: z.string().optional() }).optional(),
});
export type SubscriptionPurchase = z.infer<typeof subscriptionPurchase>;

/** What Google Play says of a purchase. An unknown state gives nothing. */
export function mapGooglePurchase(token: string, said: SubscriptionPurchase, asOf: Date): SubscriptionUpdate {
  const known = Object.hasOwn(STATUS, said.subscriptionState) ? STATUS[said.subscriptionState] : undefined;
  const isTrial = said.lineItems.some(({ offerPhase }) => offerPhase?.freeTrial !== undefined);
  const isEnding = said.subscriptionState === 'SUBSCRIPTION_STATE_CANCELED';
  return {
    about: 'subscription',
    subscriptionId: token,
    customerId: said.externalAccountIdentifiers?.obfuscatedExternalAccountId ?? token,
    userId: undefined,
    status: known === 'active' && isTrial ? 'trialing' : (known ?? 'none'),
    priceIds: said.lineItems.flatMap(({ productId, offerDetails }) =>
      offerDetails?.basePlanId === undefined
        ? [productId]
        : [`${productId}:${offerDetails.basePlanId}`, productId],
    ),
    effectiveAt: asOf,
    cancelAt: isEnding ? lastOf(said, asOf) : null,
    ended: false,
    asOf,
    replaces: said.linkedPurchaseToken,
    object: { subscriptionState: said.subscriptionState },
    follows: () => false,
  };
}

/** Google forgot the purchase: sixty days after its end. */
export const expiredPurchase = (token: string, asOf: Date): SubscriptionUpdate => ({
  ...mapGooglePurchase(token, { subscriptionState: 'SUBSCRIPTION_STATE_EXPIRED', lineItems: [] }, asOf),
  ended: true,
});

/** Canceled purchases go on until their last item expires; one without a day is over. */
function lastOf({ lineItems }: SubscriptionPurchase, asOf: Date): Date {
  const days = lineItems.flatMap(({ expiryTime }) =>
    expiryTime === undefined ? [] : Date.parse(expiryTime),
  );
  return days.length === 0 ? asOf : new Date(Math.max(...days));
}
