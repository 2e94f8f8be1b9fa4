/** How many there are, by a sample. */
export interface Estimate {
  readonly size: number;
  /** The true number is likely (95 %) to be no further away: twice the standard error, if the users of a page are like all others. */
  readonly margin: number;
  readonly isExact: boolean;
}

/** Returns how many members there are. `weights`: for how many members each sampled one stands (Horvitz and Thompson, 1952). */
export function estimateOf(weights: readonly number[]): Estimate {
  const size = weights.reduce((sum, weight) => sum + weight, 0);
  const variance = weights.reduce((sum, weight) => sum + weight * (weight - 1), 0);
  const margin = Math.ceil(2 * Math.sqrt(Math.max(0, variance)));
  return { size: Math.round(size), margin, isExact: weights.every((weight) => weight <= 1) };
}
