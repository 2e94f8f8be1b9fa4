import { toEnvelope } from './broadcast-event.js';
import type { Broadcast, BroadcastPosition } from './broadcast.js';

/** All broadcasts that were in force when PostgreSQL was read, in the order of their numbers. Never changed: a newer one replaces it. */
export class BroadcastLog {
  /** What was in force as JSON text, and until when (ms) it is. */
  private encoded = { text: '', until: -Infinity };

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

  /** Returns what is in force at `now` (ms) as JSON text, `{ number, entries }`. It is encoded once for all, and once more when one of them has expired. */
  encodedAt(now: number): string {
    if (now >= this.encoded.until) {
      const { epoch, number } = this.head;
      const inForce = this.after(undefined, now);
      const entries = inForce.map((one) => toEnvelope(one, epoch));
      this.encoded = {
        text: JSON.stringify({ number, entries }),
        until: Math.min(...inForce.map(({ expiresAt }) => Date.parse(expiresAt))),
      };
    }
    return this.encoded.text;
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
