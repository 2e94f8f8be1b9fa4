/** If a `welcome` took longer than this, its time is ignored: the tab may have been suspended while waiting for it. */
const MAX_ROUND_TRIP_MS = 5_000;

/**
 * The current time by the server's clock, estimated from each `welcome`. Of two playback positions the newer one wins, which
 * is fair only if devices agree on the time, and the clocks of televisions are often wrong.
 */
export class ServerClock {
  private offsetMs = 0;

  constructor(private readonly localNow: () => number) {}

  /** Returns the estimated server time in ms since 1970. */
  now(): number {
    return this.localNow() + this.offsetMs;
  }

  /**
   * Adopts the server's time. An unreadable or late one is ignored.
   * @param requestedAt local time at which the connection was requested, in ms
   */
  synchronize(serverTime: unknown, requestedAt: number): void {
    const serverNow = typeof serverTime === 'number' ? serverTime : Date.parse(String(serverTime));
    const receivedAt = this.localNow();
    const roundTripMs = receivedAt - requestedAt;
    if (!Number.isFinite(serverNow) || roundTripMs > MAX_ROUND_TRIP_MS || roundTripMs < 0) return;
    this.offsetMs = serverNow - receivedAt;
  }
}
