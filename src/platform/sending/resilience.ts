import type { SendResult } from './send-result.js';

/** The limits around one provider. */
export interface ResilienceLimits {
  /** A send has a result within this, the wait for a slot included. */
  readonly timeoutMs: number;
  /** Bulkhead: sends to one upstream service at once. */
  readonly maxInFlight: number;
  /** Bulkhead: sends that wait for a slot. */
  readonly maxQueued: number;
  /** Circuit breaker: the first pause once it opens; doubled with each probe that fails, up to the longest. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

/**
 * Providers respond in 20 to 200 ms; 10 s is the timeout of their own libraries. In flight: two connections of 100 streams, with which
 * APNs was fastest (`npm run bench -- --only push`). Queued: what 200 in flight send in a second or two.
 */
export const RESILIENCE_LIMITS: ResilienceLimits = {
  timeoutMs: 10_000,
  maxInFlight: 200,
  maxQueued: 2_000,
  firstPauseMs: 1_000,
  longestPauseMs: 30_000,
};

/** The circuit opens when half of at least ten sends in ten seconds fail: a few failures in a quiet hour do not open it. */
export const CIRCUIT_THRESHOLD = { threshold: 0.5, duration: 10_000, minimumRps: 1 };

/**
 * Reasons of a provider that is healthy and limits our rate, has no connection free (`busy`), or (`deferred`) asks us to come back for one address.
 */
const RATE_LIMIT_REASONS = new Set([
  'TooManyRequests',
  'QUOTA_EXCEEDED',
  'status_429',
  'status_406',
  'deferred',
  'busy',
]);

/** Whether the circuit breaker counts this result as a failure: the next message would probably fail as well. */
export const isOutage = (result: SendResult): boolean =>
  result.is === 'retry' && !RATE_LIMIT_REASONS.has(result.reason);

/** How long an open circuit pauses before probe number `attempt`, from 1 on. */
export const circuitPauseMs = (attempt: number, { firstPauseMs, longestPauseMs }: ResilienceLimits): number =>
  Math.min(firstPauseMs * 2 ** Math.min(attempt - 1, 20), longestPauseMs);
