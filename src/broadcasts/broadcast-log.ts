import type { Broadcast, BroadcastPosition } from './broadcast.js';

/** All broadcasts that were in force when PostgreSQL was read, in the order of their numbers. Never changed: a newer one replaces it. */
export class BroadcastLog {
  /** `head`: up to where the log was read, which may be beyond its last broadcast. */
  constructor(
    readonly head: BroadcastPosition,
    private readonly broadcasts: readonly Broadcast[],
  ) {}

  /**
   * Returns the broadcasts after the position that are in force at `now` (ms), in order; all of them without a position, and for one of another
   * epoch.
   */
  after(position: BroadcastPosition | undefined, now: number): readonly Broadcast[] {
    const number = position?.epoch === this.head.epoch ? position.number : 0;
    if (number >= this.head.number) return [];
    return this.broadcasts.filter((one) => one.number > number && Date.parse(one.expiresAt) > now);
  }

  /** Whether the broadcast of this number is in force at `now` (ms). */
  isInForce(number: number, now: number): boolean {
    return this.broadcasts.some((one) => one.number === number && Date.parse(one.expiresAt) > now);
  }

  /**
   * Returns the position of a device that was sent everything after `position`. It never goes back: a device may come from a node that has read
   * more.
   */
  headFor(position: BroadcastPosition | undefined): BroadcastPosition {
    const isAhead = position?.epoch === this.head.epoch && position.number > this.head.number;
    return isAhead ? position : this.head;
  }
}
