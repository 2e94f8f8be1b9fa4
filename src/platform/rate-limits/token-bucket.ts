/** A rate limiter: allows `rate` a second, with bursts of `burst`. The caller passes the time, in ms, by a monotonic clock. */
export class TokenBucket {
  private tokens: number;
  private updatedAt: number;

  constructor(
    private readonly rate: number,
    private readonly burst: number,
    now: number,
    /**
     * Refused calls also take a token, down to this many below zero, so that a sender which floods stays refused until it slows
     * down. With 0 refused calls cost nothing: for a limit that many senders share.
     */
    private readonly maxDeficit = burst,
  ) {
    this.tokens = burst;
    this.updatedAt = now;
  }

  /** Takes one token, or as many as the call weighs. Returns whether the call is allowed. */
  take(now: number, count = 1): boolean {
    const refill = (Math.max(0, now - this.updatedAt) * this.rate) / 1_000;
    this.updatedAt = now;
    this.tokens = Math.min(this.burst, this.tokens + refill);
    const left = this.tokens - count;
    if (left >= 0 || this.maxDeficit > 0) this.tokens = Math.max(left, -this.maxDeficit);
    return left >= 0;
  }

  /** Whole tokens that are left. */
  get remaining(): number {
    return Math.max(0, Math.floor(this.tokens));
  }

  /** Takes `count` tokens for a call that was allowed and cost more than one; a negative count gives them back. */
  spend(count: number): void {
    this.tokens = Math.min(this.burst, Math.max(this.tokens - count, -this.maxDeficit));
  }

  /** Milliseconds until a call is allowed again, if none is made before; 0 if one is allowed now. */
  get waitMs(): number {
    return this.waitMsFor(1);
  }

  /** The same for a call that weighs `count`. */
  waitMsFor(count: number): number {
    return Math.max(0, Math.ceil(((count - this.tokens) / this.rate) * 1_000));
  }

  /** Tokens below zero: how many calls were refused that the rate has not made up for yet. */
  get deficit(): number {
    return Math.max(0, -this.tokens);
  }
}
