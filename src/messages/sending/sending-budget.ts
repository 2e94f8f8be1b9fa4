import { type Budget, reserveFor } from '../../platform/budgets/budget.js';
import type { DurableTier } from '../../platform/tiers.js';

/** The bucket of whoever sends so many a second: it has room for the longest message, however slow that is. */
export const sendingBudget = (perSecond: number, longest: number): Budget => ({
  perSecond,
  burst: Math.max(perSecond, longest),
});

/**
 * What must stay in the bucket when a message takes `wanted` of it. Important messages leave critical ones their share; where the bucket holds more than a
 * second's worth, because the sender is slow, also all that is beyond that. A full bucket is always enough.
 */
export const reserveOf = (tier: DurableTier, budget: Budget, wanted: number): number =>
  tier === 'critical'
    ? 0
    : Math.max(
        0,
        Math.min(budget.burst - wanted, Math.max(reserveFor(tier, budget), budget.burst - budget.perSecond)),
      );

/** What must stay of a cap when a message takes `wanted` of it: for an important one the share of critical ones. A cap that has all is always enough. */
export const capReserveOf = (tier: DurableTier, cap: Budget, wanted: number): number =>
  Math.max(0, Math.min(cap.burst - wanted, reserveFor(tier, cap)));
