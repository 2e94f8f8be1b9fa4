/** How many there are, by a sample. */
export interface Estimate {
  readonly size: number;
  /** The true number is likely (95 %) to be no further away: twice the standard error, if the users of a page are like all others. */
  readonly margin: number;
  readonly isExact: boolean;
}

/**
 * Returns how many members there are. `weights`: for how many members each sampled one stands (Horvitz and Thompson, 1952). `step`: for how many users
 * each one stands who was looked at, member or not; 1 if all were. Of none found it is not certain that there are none: the rule of three.
 */
export function estimateOf(weights: readonly number[], step: number): Estimate {
  const size = Math.round(weights.reduce((sum, weight) => sum + weight, 0));
  if (step <= 1) return { size, margin: 0, isExact: true };
  const variance = weights.reduce((sum, weight) => sum + weight * (weight - 1), 0);
  const margin = weights.length === 0 ? 3 * step : 2 * Math.sqrt(Math.max(0, variance));
  return { size, margin: Math.ceil(margin), isExact: false };
}
