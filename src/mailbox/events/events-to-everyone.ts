/** What is said to all users alike is in no mailbox; bound in app.module.ts to the broadcasts, which the mailbox must not import. */
export interface EventsToEveryone {
  /**
   * Returns what is in force now as JSON text, encoded once for all callers: `{ number, entries }`, the envelopes in the order of their numbers, and the
   * number up to where they go. Throws Problem unavailable as long as that is not known.
   */
  inForce(): string;
}

/** Injection token of EventsToEveryone. */
export const EVENTS_TO_EVERYONE = Symbol('EVENTS_TO_EVERYONE');
