/** The clock by which digests are due. It goes on between two readings of the server's. */
export class WallClock {
  private aheadMs = 0;

  /** The server's clock shows this. */
  set(now: string): void {
    this.aheadMs = Date.parse(now) - Date.now();
  }

  now(): Date {
    return new Date(Date.now() + this.aheadMs);
  }
}
