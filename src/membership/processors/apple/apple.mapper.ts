import { z } from 'zod';
import type { Status } from '../../membership.js';
import type { ProcessorUpdate } from '../processor.js';

/** Apple's `status` of an auto-renewable subscription (App Store Server API). In billing retry (3) the grace period (4) is over, or there was none. */
const STATUS: ReadonlyMap<number, Status> = new Map([
  [1, 'active'],
  [2, 'canceled'],
  [3, 'canceled'],
  [4, 'past_due'],
  [5, 'canceled'],
]);
const AUTO_RENEW_OFF = 0;

const millis = z.number().min(0).max(253_402_300_799_999);
/** The payload of a stored webhook, as AppleProcessor writes it. */
const verifiedPayload = z.object({
  notification: z.object({
    signedDate: millis,
    data: z.object({ status: z.number().optional() }).default({}),
  }),
  transaction: z.object({
    originalTransactionId: z.string().min(1).max(64),
    productId: z.string().min(1).max(255),
    appAccountToken: z.string().max(64).optional(),
    expiresDate: millis.optional(),
    revocationDate: millis.optional(),
    offerDiscountType: z.string().optional(),
  }),
  renewal: z.object({ autoRenewStatus: z.number().optional() }).optional(),
});

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** An `appAccountToken` is a UUID. Apple sends it in lower case, and Swift's `UUID().uuidString` is in upper case. */
export const canonicalAccountToken = (customerId: string): string =>
  UUID.test(customerId) ? customerId.toLowerCase() : customerId;

/**
 * Maps a verified notification. A subscription may be renewed after any status, so none is ever final. The status is that of the subscription
 * when the notification was signed, but its transaction may be of an earlier period, which somebody wants refunded: that changes nothing.
 */
export function mapAppleNotification(payload: unknown): ProcessorUpdate {
  const { success, data } = verifiedPayload.safeParse(payload);
  if (!success) return { kind: 'unrelated', reason: 'no_subscription' };
  const { notification, transaction, renewal } = data;
  const reported = notification.data.status === undefined ? undefined : STATUS.get(notification.data.status);
  if (!reported) return { kind: 'unrelated', reason: 'no_status' };
  const isOver = transaction.expiresDate !== undefined && transaction.expiresDate <= notification.signedDate;
  if (reported === 'active' && isOver) return { kind: 'unrelated', reason: 'earlier_period' };
  const status = transaction.revocationDate === undefined ? reported : 'canceled';
  const isTrial = status === 'active' && transaction.offerDiscountType === 'FREE_TRIAL';
  const isEnding = status === 'active' && renewal?.autoRenewStatus === AUTO_RENEW_OFF;
  const asOf = new Date(notification.signedDate);
  return {
    kind: 'subscription',
    subscriptionId: transaction.originalTransactionId,
    customerId: canonicalAccountToken(transaction.appAccountToken ?? transaction.originalTransactionId),
    userId: undefined,
    status: isTrial ? 'trialing' : status,
    priceIds: [transaction.productId],
    effectiveAt: asOf,
    cancelAt: isEnding && transaction.expiresDate !== undefined ? new Date(transaction.expiresDate) : null,
    ended: false,
    asOf,
    object: { ...transaction },
    follows: () => false,
  };
}
