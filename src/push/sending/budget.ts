import type { Budget } from '../../platform/budgets/budget.js';
import type { DurableTier } from '../../platform/tiers.js';

/** The share of a full bucket that important pushes leave to critical ones, so that a campaign does not delay them. */
const CRITICAL_SHARE = 0.2;

/** FCM takes 240 messages a minute for one Android device (firebase.google.com/docs/cloud-messaging/throttling-and-quotas). */
export const PER_DEVICE: Budget = { perSecond: 4, burst: 240 };
/** Apple delivers two or three background pushes an hour and throttles the rest ("Pushing background updates to your App"). */
export const BACKGROUND_PER_DEVICE: Budget = { perSecond: 2 / 3_600, burst: 2 };

/** How many tokens must stay in the bucket when this tier takes some. */
export const reserveFor = (tier: DurableTier, { burst }: Budget): number =>
  tier === 'critical' ? 0 : Math.floor(burst * CRITICAL_SHARE);

/** Seconds until `waiting` messages are sent at the budget's rate. */
export const secondsToSend = (waiting: number, { perSecond }: Budget): number => waiting / perSecond;
