import type { Budget } from '../../platform/budgets/budget.js';

/** FCM takes 240 messages a minute for one Android device (firebase.google.com/docs/cloud-messaging/throttling-and-quotas). */
export const PER_DEVICE: Budget = { perSecond: 4, burst: 240 };
/** Apple delivers two or three background pushes an hour and throttles the rest ("Pushing background updates to your App"). */
export const BACKGROUND_PER_DEVICE: Budget = { perSecond: 2 / 3_600, burst: 2 };

/** Seconds until `waiting` messages are sent at the budget's rate. */
export const secondsToSend = (waiting: number, { perSecond }: Budget): number => waiting / perSecond;
