import type { OutgoingEvent } from '../mailbox/events/outgoing-event.js';

/**
 * A way to devices. Promises:
 * - `tell` takes every announcement at once: written or queued for each of the user's devices that the channel reaches,
 *   nothing for those that it does not. It never throws and never waits.
 * - Critical events are never behind important or routine ones of other devices.
 * - A device gets a user's durable events in the order of offsets, each at least once while it is connected. What a
 *   channel cannot deliver it may drop: the mailbox has it, and the device resumes from there.
 */
export interface Channel {
  deliver(announcements: readonly OutgoingEvent[]): void;
}
