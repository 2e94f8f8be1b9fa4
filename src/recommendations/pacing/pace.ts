/** How fast users are told. */
export interface PaceSettings {
  /** Users a second. */
  readonly perSecond: number;
  /** Milliseconds over which users are told, at most. */
  readonly maxMs: number;
}

/**
 * Over how long the users of nightly files are told of their pages: so long that the users of this node's files, if all were connected, would be
 * told `perSecond` a second, up to `maxMs`. Who is connected is known only to the nodes that hold their devices.
 */
export class Pace {
  /** When everybody so far would be told, by the clock of `now` (ms). */
  private toldBy = -Infinity;

  constructor(private readonly settings: PaceSettings) {}

  /**
   * The next `users` of a file are to be told, which has told so many before. Returns the milliseconds over which they are; undefined: at once. A file
   * of no more users than are told in a second is told at once, whatever came before it.
   */
  add(users: number, toldBefore: number, now: number): number | undefined {
    const { perSecond, maxMs } = this.settings;
    this.toldBy = Math.max(this.toldBy, now) + (users / perSecond) * 1_000;
    if (toldBefore + users <= perSecond || maxMs === 0) return undefined;
    return Math.round(Math.min(this.toldBy - now, maxMs));
  }

  /** So many of the users that were added need not be told. */
  remove(users: number): void {
    this.toldBy -= (users / this.settings.perSecond) * 1_000;
  }
}
