/** A `welcome` that took longer than this says too little about the server's clock (a tab may have slept over it). */
const TRUSTED_WITHIN_MS = 5_000;

/**
 * The time as the server sees it. "Newest wins" between devices is only fair if their clocks agree, and those of
 * televisions often do not; so beats and expiry use the server's clock, learnt from each `welcome`.
 */
export class Clock {
  private aheadMs = 0;

  constructor(private readonly local: () => number) {}

  now(): number {
    return this.local() + this.aheadMs;
  }

  /** @param askedAt when, by the local clock, the connection was asked for */
  learn(serverTime: unknown, askedAt: number): void {
    const theirs = typeof serverTime === 'number' ? serverTime : Date.parse(String(serverTime));
    const heardAt = this.local();
    if (!Number.isFinite(theirs) || heardAt - askedAt > TRUSTED_WITHIN_MS || heardAt < askedAt) return;
    this.aheadMs = theirs - heardAt;
  }
}
