import { networkOf } from '../../platform/http/client-address.js';
import { Problem } from '../../platform/http/problem.js';
import { KeyedRateLimiter } from '../../platform/rate-limits/keyed-rate-limiter.js';

/** Attempts to sign in of one address: each costs a write to Redis, or a call of the identity provider. */
const PER_ADDRESS = { rate: 2, burst: 100 };

/** Limits how often one address may try to sign in. */
export class AttemptLimiter {
  private readonly limiter = new KeyedRateLimiter(PER_ADDRESS.rate, PER_ADDRESS.burst);

  /** Takes one attempt of this address. Throws Problem rate_limited. */
  take(ip: string | undefined): void {
    if (!this.limiter.take(networkOf(ip)))
      throw new Problem('rate_limited', 'Too many attempts to sign in.', { retryAfterMs: 1_000 });
  }
}
