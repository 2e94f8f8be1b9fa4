import type { DurableTier } from '../../platform/tiers.js';

/** What may be sent: so many a second, and so many at once after a pause. */
export interface Budget {
  readonly perSecond: number;
  readonly burst: number;
}

/** Of important pushes a fifth of a full bucket is out of reach: critical ones find it there in the midst of a campaign. */
const RESERVE = 0.2;

/** FCM takes 240 messages a minute for one Android device (firebase.google.com/docs/cloud-messaging/throttling-and-quotas). */
export const PER_DEVICE: Budget = { perSecond: 4, burst: 240 };
/** Apple lets two or three background pushes an hour through and throttles beyond ("Pushing background updates to your App"). */
export const BACKGROUND_PER_DEVICE: Budget = { perSecond: 2 / 3_600, burst: 2 };

/** Of what a vendor may be sent a minute. */
export function budgetOf(perMinute: number): Budget {
  const perSecond = perMinute / 60;
  return { perSecond, burst: Math.max(1, perSecond) };
}

/** How many must stay in the bucket when this tier takes. */
export const reserveFor = (tier: DurableTier, { burst }: Budget): number =>
  tier === 'critical' ? 0 : Math.floor(burst * RESERVE);

/** When so much is through, in seconds; what is important may use what is not reserved. */
export const secondsToSend = (waiting: number, { perSecond }: Budget): number => waiting / perSecond;
