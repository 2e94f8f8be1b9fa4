import type { EventQuery, PlacedEvent } from './receipt.js';

/**
 * Who else sent events to devices, besides the sockets: a push shows an event that a newer one may have replaced in the mailbox
 * since. Bound in app.module.ts.
 */
export interface SentEvents {
  /** Those of the events in question that were sent to this device. */
  find(query: EventQuery): Promise<PlacedEvent[]>;
}

export const SENT_EVENTS = Symbol('SENT_EVENTS');
