import { createHash } from 'node:crypto';
import type { SendResult } from './push-provider.js';

/** How much of this process one vendor may take. */
export interface ProviderLimits {
  /** A send is answered within this, waiting included. */
  readonly deadlineMs: number;
  /** Sends under way at once, and those that wait for a place. */
  readonly inFlight: number;
  readonly waiting: number;
  /** The first pause of an open circuit; it doubles with each probe that fails, up to the longest. */
  readonly pauseMs: number;
  readonly longestPauseMs: number;
}

/**
 * Vendors answer in 20 to 200 ms; a deadline of 10 s is what their own libraries take. In flight: two connections of 100 streams,
 * which is what APNs is fastest with (RECIPE: measured). Waiting: what 200 in flight do in a second or two.
 */
export const PROVIDER_LIMITS: ProviderLimits = {
  deadlineMs: 10_000,
  inFlight: 200,
  waiting: 2_000,
  pauseMs: 1_000,
  longestPauseMs: 30_000,
};

/** Half of at least ten sends within ten seconds: a few that fail on a quiet night stop nothing. */
export const OUTAGE_THRESHOLD = { threshold: 0.5, duration: 10_000, minimumRps: 1 };

/** A vendor that paces us is well. */
const PACED = new Set(['TooManyRequests', 'QUOTA_EXCEEDED', 'status_429', 'status_406']);

/** Whether a verdict speaks against the vendor's health, as far as the next message is concerned. */
export const isProviderOutage = (verdict: SendResult): boolean =>
  verdict.is === 'again' && !PACED.has(verdict.reason);

export const circuitPauseMs = (attempt: number, { pauseMs, longestPauseMs }: ProviderLimits): number =>
  Math.min(pauseMs * 2 ** Math.min(attempt - 1, 20), longestPauseMs);

/** How an address may be named in a log: nobody can push to it with this. */
export const addressHash = (address: string): string =>
  createHash('sha256').update(address).digest('hex').slice(0, 8);
