const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 5 * 60_000;

/**
 * Milliseconds to wait after so many attempts. Full jitter (AWS Architecture Blog, "Exponential Backoff and Jitter"): pushes that failed
 * together are not retried together.
 */
export const backoffMs = (attempts: number, random: () => number = Math.random): number =>
  random() * Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(attempts, 20));
