import { growingCache } from '../growing-cache.js';
import { monotonicNow } from '../scheduling/monotonic.js';
import { TokenBucket } from './token-bucket.js';

/** Keys that are remembered, at some 200 bytes each. A forgotten one begins anew with a full bucket. */
const MAX_KEYS = 100_000;

/** A rate limit for each key: `rate` a second, with bursts of `burst`. Refused calls cost nothing. */
export class KeyedRateLimiter {
  private readonly buckets = growingCache<TokenBucket>(MAX_KEYS);

  constructor(
    private readonly rate: number,
    private readonly burst: number,
    private readonly now: () => number = monotonicNow,
  ) {}

  /** Takes one for this key, or as many as the call weighs. Returns whether that was within its limit. */
  take(key: string, count = 1): boolean {
    return this.bucketOf(key).take(this.now(), count);
  }

  /** The token bucket of this key. */
  bucketOf(key: string): TokenBucket {
    let bucket = this.buckets.get(key);
    if (!bucket) {
      bucket = new TokenBucket(this.rate, this.burst, this.now(), 0);
      this.buckets.set(key, bucket);
    }
    return bucket;
  }

  /** Gives back one that was taken for this key. */
  giveBack(key: string): void {
    this.buckets.get(key)?.spend(-1);
  }
}
