import type { Response } from 'express';
import { LRUCache } from 'lru-cache';
import { TokenBucket } from '../../scheduling/token-bucket.js';
import { Problem } from '../problem.js';

/** A caller may use this many seconds' worth of calls at once: an app that starts makes several. */
const BURST_SECONDS = 5;
/** Callers that are remembered. One that is forgotten begins anew, which needs this many others in between. */
const MAX_CALLERS = 50_000;

/** Limits the calls of each caller on this node. Memory only: a request costs no round trip. */
export class RateLimiter {
  private readonly buckets = new LRUCache<string, TokenBucket>({ max: MAX_CALLERS });
  private readonly burst: number;
  private readonly policy: string;

  /** `name` is that of the policy in the headers; `now` is in ms and never steps back. */
  constructor(
    private readonly name: string,
    private readonly perSecond: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.burst = perSecond * BURST_SECONDS;
    this.policy = `"${name}";q=${this.burst};w=${BURST_SECONDS}`;
  }

  /**
   * Takes one call of the caller, and says in the response what is left (draft-ietf-httpapi-ratelimit-headers). Throws Problem
   * rate_limited.
   */
  take(caller: string, response: Pick<Response, 'setHeader'>): void {
    const now = this.now();
    const bucket = this.buckets.get(caller) ?? this.add(caller, now);
    const allowed = bucket.take(now);
    const secondsToFull = Math.ceil((this.burst - bucket.remaining) / this.perSecond);
    response.setHeader('RateLimit-Policy', this.policy);
    response.setHeader('RateLimit', `"${this.name}";r=${bucket.remaining};t=${secondsToFull}`);
    if (!allowed) throw new Problem('rate_limited', undefined, { retryAfterMs: 1_000 });
  }

  private add(caller: string, now: number): TokenBucket {
    // Refused calls cost nothing: an app that honours `Retry-After` is served again at once.
    const bucket = new TokenBucket(this.perSecond, this.burst, now, 0);
    this.buckets.set(caller, bucket);
    return bucket;
  }
}
