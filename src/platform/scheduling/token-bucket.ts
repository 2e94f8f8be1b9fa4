/** `rate` a second with bursts of `burst`; the caller brings the clock. */
export class TokenBucket {
  private tokens: number;
  private since: number;

  constructor(
    private readonly rate: number,
    private readonly burst: number,
    now: number,
    /** How far refused ones may go into debt: a sender that floods stays refused, while a door for all forgives. */
    private readonly maxDebt = burst,
  ) {
    this.tokens = burst;
    this.since = now;
  }

  /** Whether one more is allowed at `now` (milliseconds). */
  take(now: number): boolean {
    const earned = ((now - this.since) * this.rate) / 1_000;
    this.since = now;
    this.tokens = Math.min(this.burst, this.tokens + earned) - 1;
    if (this.tokens >= 0) return true;
    this.tokens = Math.max(this.tokens, -this.maxDebt);
    return false;
  }

  /** How far beyond the burst it went. */
  get debt(): number {
    return Math.max(0, -this.tokens);
  }
}
