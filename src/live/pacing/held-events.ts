import { crc32 } from 'node:zlib';
import type { OutgoingEvent } from '../../mailbox/events/outgoing-event.js';

/** How exactly events are released, in ms. */
export const SLOT_MS = 100;
const HASHES = 2 ** 32;

interface Held {
  readonly slot: number;
  readonly events: OutgoingEvent[];
}

/** Where in a window a user is told, from 0 to 1: the same on each node, so that all devices of the user are told together. */
export const jitterOf = (userId: string): number => crc32(userId) / HASHES;

/**
 * Events that are held until their users are to be told, in slots of SLOT_MS: `capacity` at most, and bodies of `maxLength` characters. Times are
 * those of one clock, in ms.
 */
export class HeldEvents {
  private readonly byUser = new Map<string, Held>();
  private readonly usersBySlot = new Map<number, string[]>();
  private nextSlot = 0;
  private count = 0;
  private length = 0;

  constructor(
    private readonly capacity: number,
    private readonly maxLength: number,
  ) {}

  /** Events that wait. */
  get size(): number {
    return this.count;
  }

  /**
   * Holds the event, detached from what it came in, until its user is to be told, within `withinMs`; if others of the user are held already, as
   * long as these. Returns false when there is no room: then it must be delivered now.
   */
  hold(event: OutgoingEvent, withinMs: number, now: number): boolean {
    const length = this.length + lengthOf(event);
    if (this.count >= this.capacity || length > this.maxLength) return false;
    const held = this.byUser.get(event.userId) ?? this.begin(event.userId, withinMs, now);
    event.event.detach();
    held.events.push(event);
    this.count += 1;
    this.length = length;
    return true;
  }

  /** Returns the user's events, in the order in which they came; they wait no longer. */
  take(userId: string): readonly OutgoingEvent[] {
    const held = this.byUser.get(userId);
    if (!held) return [];
    this.byUser.delete(userId);
    this.count -= held.events.length;
    for (const event of held.events) this.length -= lengthOf(event);
    return held.events;
  }

  /** Returns the users who are to be told since the last call; their events are still held. */
  takeDueUsers(now: number): string[] {
    const due: string[] = [];
    for (const end = slotOf(now); this.nextSlot <= end; this.nextSlot += 1) {
      const users = this.usersBySlot.get(this.nextSlot) ?? [];
      this.usersBySlot.delete(this.nextSlot);
      // Of a user whose events were taken early, others may wait until a later slot.
      due.push(...users.filter((userId) => this.byUser.get(userId)?.slot === this.nextSlot));
    }
    return due;
  }

  private begin(userId: string, withinMs: number, now: number): Held {
    if (this.byUser.size === 0) {
      this.usersBySlot.clear();
      this.nextSlot = slotOf(now);
    }
    // The present slot may have been looked at already, a moment ago.
    const slot = Math.max(slotOf(now + jitterOf(userId) * withinMs), this.nextSlot);
    const held: Held = { slot, events: [] };
    this.byUser.set(userId, held);
    const users = this.usersBySlot.get(held.slot);
    if (users) users.push(userId);
    else this.usersBySlot.set(held.slot, [userId]);
    return held;
  }
}

const lengthOf = ({ event }: OutgoingEvent): number => event.body.length;
const slotOf = (ms: number): number => Math.floor(ms / SLOT_MS);
