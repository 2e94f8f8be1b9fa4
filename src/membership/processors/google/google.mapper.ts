import { z } from 'zod';
import type { Status } from '../../membership.js';
import type { SubscriptionUpdate, ProcessorUpdate } from '../processor.js';

const purchaseReference = z.object({ purchaseToken: z.string().min(1).max(2_048) });
const notification = z.object({
  packageName: z.string(),
  subscriptionNotification: purchaseReference.extend({ notificationType: z.int() }).optional(),
  voidedPurchaseNotification: purchaseReference.extend({ productType: z.int().optional() }).optional(),
});
/** `productType` of a voided purchase that was no subscription (developer.android.com/google/play/billing/rtdn-reference). */
const ONE_TIME = 2;

/** Maps a notification to the purchase to fetch. `type`: for example `subscription.4`, Google's SUBSCRIPTION_PURCHASED. */
export function mapGoogleNotification(
  payload: unknown,
  packageName: string | undefined,
): { type: string; update: ProcessorUpdate } {
  const { success, data } = notification.safeParse(payload);
  if (!success || data.packageName !== packageName)
    return {
      type: 'unknown',
      update: { kind: 'unrelated', reason: success ? 'another_app' : 'unknown_type' },
    };
  const { subscriptionNotification: subscription, voidedPurchaseNotification: voided } = data;
  if (!subscription && voided?.productType === ONE_TIME)
    return { type: 'voided', update: { kind: 'unrelated', reason: 'one_time_purchase' } };
  const found = subscription ?? voided;
  if (!found) return { type: 'other', update: { kind: 'unrelated', reason: 'unknown_type' } };
  const type = subscription ? `subscription.${subscription.notificationType}` : 'voided';
  return { type, update: { kind: 'hint', subscriptionId: found.purchaseToken } };
}

/** `subscriptionState` of SubscriptionPurchaseV2 (Google Play Developer API). ON_HOLD follows the grace period: nothing is granted. */
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

/** A purchase that is not paid yet, or never was, has not replaced the one that it names: that one is good until it is paid. */
const UNPAID = new Set(['SUBSCRIPTION_STATE_PENDING', 'SUBSCRIPTION_STATE_PENDING_PURCHASE_CANCELED']);

const item = z.object({
  productId: z.string(),
  expiryTime: z.iso.datetime({ offset: true }).optional(),
  offerDetails: z.object({ basePlanId: z.string().optional() }).optional(),
  offerPhase: z.object({ freeTrial: z.unknown().optional() }).optional(),
});
/** SubscriptionPurchaseV2, as far as it is read. */
export const subscriptionPurchase = z.object({
  subscriptionState: z.string(),
  lineItems: z.array(item).default([]),
  linkedPurchaseToken: z.string().optional(),
  externalAccountIdentifiers: z.object({ obfuscatedExternalAccountId: z.string().optional() }).optional(),
});
export type SubscriptionPurchase = z.infer<typeof subscriptionPurchase>;

/** Maps a purchase, as it was at `asOf`. An unknown state grants nothing. */
export function mapGooglePurchase(
  token: string,
  purchase: SubscriptionPurchase,
  asOf: Date,
): SubscriptionUpdate {
  const known = Object.hasOwn(STATUS, purchase.subscriptionState)
    ? STATUS[purchase.subscriptionState]
    : undefined;
  const isTrial = purchase.lineItems.some(({ offerPhase }) => offerPhase?.freeTrial !== undefined);
  const isEnding = purchase.subscriptionState === 'SUBSCRIPTION_STATE_CANCELED';
  return {
    kind: 'subscription',
    subscriptionId: token,
    customerId: purchase.externalAccountIdentifiers?.obfuscatedExternalAccountId ?? token,
    userId: undefined,
    status: known === 'active' && isTrial ? 'trialing' : (known ?? 'none'),
    priceIds: purchase.lineItems.flatMap(({ productId, offerDetails }) =>
      offerDetails?.basePlanId === undefined
        ? [productId]
        : [`${productId}:${offerDetails.basePlanId}`, productId],
    ),
    effectiveAt: asOf,
    cancelAt: isEnding ? lastExpiry(purchase, asOf) : null,
    ended: false,
    asOf,
    replaces: UNPAID.has(purchase.subscriptionState) ? undefined : purchase.linkedPurchaseToken,
    object: { subscriptionState: purchase.subscriptionState },
    follows: () => false,
  };
}

/** A purchase that Google has deleted (HTTP 410): it does so sixty days after the end. */
export const expiredPurchase = (token: string, asOf: Date): SubscriptionUpdate => ({
  ...mapGooglePurchase(token, { subscriptionState: 'SUBSCRIPTION_STATE_EXPIRED', lineItems: [] }, asOf),
  ended: true,
});

/** A canceled purchase stays active until its last item expires; one without an expiry is over. */
function lastExpiry({ lineItems }: SubscriptionPurchase, asOf: Date): Date {
  const expiries = lineItems.flatMap(({ expiryTime }) =>
    expiryTime === undefined ? [] : Date.parse(expiryTime),
  );
  return expiries.length === 0 ? asOf : new Date(Math.max(...expiries));
}
