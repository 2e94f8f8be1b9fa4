const DAY_MS = 86_400_000;
/** Partitions that there are before anything can need them: a week of late events, and one whose clock is fast. */
const DAYS_BEFORE = 8;
/** So long may no worker run, and events still have a place. */
const DAYS_AHEAD = 3;
const PREFIX = 'engagement_event_';

/** A day (UTC) of events, as `2026-11-26`. */
export type EventDay = string;

const dayOf = (ms: number): EventDay => new Date(ms).toISOString().slice(0, 'yyyy-mm-dd'.length);

/** Returns the name of the partition of a day: `engagement_event_20261126`. */
export const partitionName = (day: EventDay): string => `${PREFIX}${day.replaceAll('-', '')}`;

/** Returns the day of the partition with this name; undefined for another table. */
export function dayOfPartition(name: string): EventDay | undefined {
  const [, year, month, day] = /^engagement_event_(\d{4})(\d\d)(\d\d)$/.exec(name) ?? [];
  return year === undefined ? undefined : `${year}-${month}-${day}`;
}

/** Returns the day after. */
export const nextDay = (day: EventDay): EventDay => dayOf(Date.parse(day) + DAY_MS);

/**
 * Returns whether events of the day can be stored at this instant (ms): its partition is there, or is still made. One that is older and has none was
 * dropped, or its day passed while no worker ran: there will be none.
 */
export const isStorable = (day: EventDay, existing: ReadonlySet<EventDay>, now: number): boolean =>
  existing.has(day) || day >= dayOf(now - DAYS_BEFORE * DAY_MS);

/** Returns which of the existing partitions' days are missing, and which are older than `keepDays`, at this instant (ms). */
export function partitionChanges(
  existing: readonly EventDay[],
  keepDays: number,
  now: number,
): { missing: EventDay[]; old: EventDay[] } {
  const wanted = Array.from({ length: DAYS_BEFORE + DAYS_AHEAD + 1 }, (_, n) =>
    dayOf(now + (n - DAYS_BEFORE) * DAY_MS),
  );
  const oldest = dayOf(now - Math.max(keepDays, DAYS_BEFORE) * DAY_MS);
  return {
    missing: wanted.filter((day) => !existing.includes(day)),
    old: existing.filter((day) => day < oldest),
  };
}
