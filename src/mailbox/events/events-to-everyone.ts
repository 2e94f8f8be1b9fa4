import type { Envelope } from './event.js';

/** The events for everyone that are in force. */
export interface InForce {
  /** The number up to where they go. */
  readonly number: number;
  /** In the order of their numbers. */
  readonly entries: readonly Envelope[];
}

/** What is said to all users alike is in no mailbox; bound in app.module.ts to the broadcasts, which the mailbox must not import. */
export interface EventsToEveryone {
  /** Returns what is in force now. Throws Problem unavailable as long as that is not known. */
  inForce(): InForce;
}

/** Injection token of EventsToEveryone. */
export const EVENTS_TO_EVERYONE = Symbol('EVENTS_TO_EVERYONE');
