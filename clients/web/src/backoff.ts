/** Upper bound of the random delay before the first attempt. */
const FIRST_DELAY_MS = 1_000;
/** Upper bound of every random delay. */
export const MAX_DELAY_MS = 30_000;
/**
 * Upper bound of the `retryAfterMs` that the client accepts from a server. A wrong number must not keep a device offline for
 * days. Above 2^31 ms a JavaScript timer would fire at once.
 */
export const MAX_RETRY_AFTER_MS = 3_600_000;

/** A connection that lasted this long counts as healthy. */
const HEALTHY_AFTER_MS = 10_000;

/**
 * Returns the number of failures in a row after a connection of `connectedMs` was lost: 0 if the connection was healthy, else
 * `failures`. A server that accepts and drops a device over and over must not reset its backoff each time.
 */
export function failuresAfterConnection(connectedMs: number, failures: number): number {
  return connectedMs >= HEALTHY_AFTER_MS ? 0 : failures;
}

/** Returns the upper bound of the random delay before the attempt with this number (0, 1, 2 …), in ms. */
export function maxJitterMs(attempt: number): number {
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.max(0, attempt));
}

/**
 * Returns the delay before the next attempt in ms: `retryAfterMs`, plus exponential backoff with full jitter. The jitter is
 * added even if the server asked for a delay, because a million devices that lost the same node were all told the same number.
 */
export function retryDelayMs(attempt: number, random: () => number, retryAfterMs = 0): number {
  const minimum = Number.isFinite(retryAfterMs) ? Math.min(MAX_RETRY_AFTER_MS, Math.max(0, retryAfterMs)) : 0;
  return Math.floor(minimum + random() * maxJitterMs(attempt));
}
