/** Two clocks drift apart by this much at most: what was measured a while ago is that much less certain. */
const DRIFT = 0.001;

/** One question for Redis's time: when it was asked and answered, by this node's clock, and the answer. All in milliseconds. */
export interface ClockSample {
  readonly askedAt: number;
  readonly answeredAt: number;
  readonly redisTime: number;
}

/**
 * Redis's clock, which is the same for all nodes, whatever their own ones show: how far it is ahead of this node's, by the sample with the
 * shortest way, as in NTP. Wrong by half of that way at most.
 */
export class RedisClock {
  private aheadMs = 0;
  private uncertaintyMs = Infinity;
  private measuredAt = 0;

  /** Takes the sample if it is more certain than what is known. */
  add({ askedAt, answeredAt, redisTime }: ClockSample): void {
    const uncertaintyMs = (answeredAt - askedAt) / 2;
    if (uncertaintyMs > this.uncertaintyMs + Math.abs(answeredAt - this.measuredAt) * DRIFT) return;
    this.aheadMs = redisTime - (askedAt + answeredAt) / 2;
    this.uncertaintyMs = uncertaintyMs;
    this.measuredAt = answeredAt;
  }

  /** An instant of this node's clock by that of Redis, in milliseconds; as it is until there was a sample. */
  at(localTime: number): number {
    return localTime + this.aheadMs;
  }
}
