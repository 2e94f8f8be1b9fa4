import type { DurableTier } from '../tiers.js';

/** The share of a full bucket that what is important leaves to what is critical, so that a campaign does not delay it. */
const CRITICAL_SHARE = 0.2;

/** A token bucket: how many requests a second, and how many at once after a pause. */
export interface Budget {
  readonly perSecond: number;
  readonly burst: number;
}

/** The budget of an API that may be sent so many requests per minute. Its burst is one second's worth, and at least one. */
export function budgetOf(perMinute: number): Budget {
  const perSecond = perMinute / 60;
  return { perSecond, burst: Math.max(1, perSecond) };
}

/** How many tokens must stay in the bucket when this tier takes some. */
export const reserveFor = (tier: DurableTier, { burst }: Budget): number =>
  tier === 'critical' ? 0 : Math.floor(burst * CRITICAL_SHARE);

/**
 * Without Redis a worker does not know what the others take. Each then sends at a fifth of the rate, a hundredth of the burst at a time.
 */
export const WITHOUT_REDIS = { rateShare: 0.2, burstShare: 0.01 };
