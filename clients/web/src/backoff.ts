/** The first wait is drawn from 0 to this. */
export const FIRST_MS = 1_000;
/** No wait that the client chooses itself is longer. */
export const MOST_MS = 30_000;
/** What a server may ask for at most: a mistaken number must not silence a device for days (or, beyond 2^31, wake it at once). */
export const MOST_ASKED_MS = 3_600_000;

/** A connection that lasted so long was a good one. */
const SETTLED_MS = 10_000;

/** Failures in a row after a connection was lost: one that is welcomed and dropped at once, over and over, keeps counting. */
export function failuresAfter(livedMs: number, failures: number): number {
  return livedMs >= SETTLED_MS ? 0 : failures;
}

/** The upper end of the draw before the attempt with this number (0, 1, 2 …). */
export function ceilingMs(attempt: number): number {
  return Math.min(MOST_MS, FIRST_MS * 2 ** Math.max(0, attempt));
}

/**
 * How long to wait before the next attempt: what the server asked for, plus full jitter. The whole span is random
 * because a million devices that lost the same node must not come back in step, also when all were told the same number.
 */
export function delayMs(attempt: number, random: () => number, askedMs = 0): number {
  const asked = Number.isFinite(askedMs) ? Math.min(MOST_ASKED_MS, Math.max(0, askedMs)) : 0;
  return Math.floor(asked + random() * ceilingMs(attempt));
}
