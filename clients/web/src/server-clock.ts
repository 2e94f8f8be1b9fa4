/** If a `welcome` took longer than this, its time is ignored: the tab may have been suspended while waiting for it. */
const MAX_ROUND_TRIP_MS = 5_000;

/**
 * The current time by the server's clock, estimated from each `welcome`. Of two playback positions the newer one wins, which
 * is fair only if devices agree on the time, and the clocks of televisions are often wrong.
 */
export class ServerClock {
  /** What to add to `elapsed`; undefined until the first welcome. */
  private offsetMs: number | undefined;

  /**
   * `localNow`: ms since 1970, by a clock that may be set at any time. `elapsed`: ms by one that never is. The server's time goes on by
   * this one: else a clock that is set forward would make events pass for expired, which are then never heard.
   */
  constructor(
    private readonly localNow: () => number,
    private readonly elapsed: () => number,
  ) {}

  /** Returns the estimated server time in ms since 1970. */
  now(): number {
    return this.at(this.elapsed());
  }

  /** Returns what the server's time was, or will be, when `elapsed` is this. */
  at(elapsed: number): number {
    return elapsed + (this.offsetMs ?? this.localNow() - this.elapsed());
  }

  /**
   * Adopts the server's time. An unreadable or late one is ignored.
   * @param requestedAt local time at which the connection was requested, in ms
   */
  synchronize(serverTime: unknown, requestedAt: number): void {
    const serverNow = typeof serverTime === 'number' ? serverTime : Date.parse(String(serverTime));
    const roundTripMs = this.localNow() - requestedAt;
    if (!Number.isFinite(serverNow) || roundTripMs > MAX_ROUND_TRIP_MS || roundTripMs < 0) return;
    this.offsetMs = serverNow - this.elapsed();
  }
}
