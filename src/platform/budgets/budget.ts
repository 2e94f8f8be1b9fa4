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

/**
 * Without Redis a worker does not know what the others take. Each then sends at a fifth of the rate, a hundredth of the burst at a time.
 */
export const WITHOUT_REDIS = { rateShare: 0.2, burstShare: 0.01 };
