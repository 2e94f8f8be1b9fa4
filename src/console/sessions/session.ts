import type { PersonIdentity } from '../../platform/auth/person.js';

/** How long a session lasts at most, in milliseconds. */
export const MAX_SESSION_MS = 8 * 3_600_000;
/** How long it lasts without a call, in milliseconds. */
export const MAX_IDLE_MS = 3_600_000;

/** A session as it is stored. */
export interface StoredSession {
  readonly person: Omit<PersonIdentity, 'sessionId'>;
  /** ms since 1970. */
  readonly expiresAt: number;
}

/** Returns how long the session is kept without a further call, in milliseconds; 0 or less when it is over. */
export const keptFor = ({ expiresAt }: StoredSession, now: number): number =>
  Math.min(MAX_IDLE_MS, expiresAt - now);
