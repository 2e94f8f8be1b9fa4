import type { Response } from 'express';
import { KeyedRateLimiter } from '../../rate-limits/keyed-rate-limiter.js';
import { monotonicNow } from '../../scheduling/monotonic.js';
import { Problem } from '../problem.js';

/** A caller may use this many seconds' worth of calls at once: an app that starts makes several. */
const BURST_SECONDS = 5;

/** Limits the calls of each caller on this node. Memory only: a request costs no round trip. */
export class RateLimiter {
  private readonly limiter: KeyedRateLimiter;
  private readonly burst: number;
  private readonly policy: string;

  /** `name` is that of the policy in the headers; `now` is in ms and never steps back. */
  constructor(
    private readonly name: string,
    private readonly perSecond: number,
    private readonly now: () => number = monotonicNow,
  ) {
    this.burst = perSecond * BURST_SECONDS;
    // Refused calls cost nothing: an app that honours `Retry-After` is served again at once.
    this.limiter = new KeyedRateLimiter(perSecond, this.burst, now);
    this.policy = `"${name}";q=${this.burst};w=${BURST_SECONDS}`;
  }

  /**
   * Takes one call of the caller, and says in the response what is left (draft-ietf-httpapi-ratelimit-headers). Throws Problem
   * rate_limited.
   */
  take(caller: string, response: Pick<Response, 'setHeader'>): void {
    const bucket = this.limiter.bucketOf(caller);
    const allowed = bucket.take(this.now());
    const secondsToFull = Math.ceil((this.burst - bucket.remaining) / this.perSecond);
    response.setHeader('RateLimit-Policy', this.policy);
    response.setHeader('RateLimit', `"${this.name}";r=${bucket.remaining};t=${secondsToFull}`);
    if (!allowed) throw new Problem('rate_limited', undefined, { retryAfterMs: 1_000 });
  }
}
