import type { EngagementEvent } from '../engagement-event.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** How far a device's clock may be ahead. */
export const MAX_AHEAD_MS = 5 * MINUTE_MS;
/** How late an event may come: a phone that was off for a week. */
export const MAX_LATE_MS = 7 * DAY_MS;

/** Why an event was not stored. The codes are part of the contract. */
export interface EngagementRefusal {
  /** Its place in the call, from 0. */
  readonly index: number;
  readonly id: string;
  readonly code: RefusalCode;
}

/** Why an event was not stored: its time is too far away, or it is of a kind that is not for apps to say. */
export const REFUSAL_CODES = ['in_future', 'too_old', 'kind_not_allowed'] as const;
/** One of REFUSAL_CODES. */
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** The events of a call that are stored, and those that are not. */
export interface SortedEngagement {
  readonly accepted: readonly EngagementEvent[];
  readonly refused: readonly EngagementRefusal[];
}

/**
 * Sorts out the events whose time is too far from `now` (ms since 1970), and those of other kinds than `kinds`, if it is given: one of them must not hold
 * up the others. Those that are accepted have their time in UTC.
 */
export function sortOut(
  events: readonly EngagementEvent[],
  now: number,
  kinds?: ReadonlySet<string>,
): SortedEngagement {
  const accepted: EngagementEvent[] = [];
  const refused: EngagementRefusal[] = [];
  for (const [index, event] of events.entries()) {
    const at = Date.parse(event.at);
    const code = kinds?.has(event.kind) === false ? 'kind_not_allowed' : codeOf(at - now);
    if (code) refused.push({ index, id: event.id, code });
    else accepted.push({ ...event, at: new Date(at).toISOString() });
  }
  return { accepted, refused };
}

function codeOf(aheadMs: number): RefusalCode | undefined {
  if (aheadMs > MAX_AHEAD_MS) return 'in_future';
  return -aheadMs > MAX_LATE_MS ? 'too_old' : undefined;
}
