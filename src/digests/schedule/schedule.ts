import { crc32 } from 'node:zlib';
import { instantOf } from '../../platform/local-time.js';

/** When a digest goes out, by the clock on its user's wall. */
export interface Schedule {
  readonly cadence: 'daily' | 'weekly';
  /** 1 (Monday) to 7 (Sunday); of a weekly one. */
  readonly weekday?: number | undefined;
  /** A time of day, `17:00`. */
  readonly at: string;
}

/** What a user's dates follow from. `delayMs`: how long after `at` this user's turn comes, see delayOf. `timezone` must be known to Temporal. */
export interface LocalSchedule {
  readonly schedule: Schedule;
  readonly timezone: string;
  readonly delayMs: number;
}

/** A local date (`2026-11-20`), and when its digest is due. */
export interface PlannedDate {
  readonly localDate: string;
  readonly dueAt: Date;
}

/** A weekly schedule, and a date that its zone skips: the next one is at most so many days away. */
const MAX_DAYS = 15;
const DAY_MS = 86_400_000;

/**
 * Returns the first date after `lastDate`, which may be due already: then it is late. Without `lastDate` the user has just been added, and the
 * first date is one that is not due yet. So no date is passed over and none comes twice, wherever the user is and however the schedule changes.
 */
export function planNext(local: LocalSchedule, lastDate: string | null, now: Date): PlannedDate {
  const last = lastDate ?? latestDueDate(local, now);
  const from = Date.parse(last);
  for (let days = 1; days <= MAX_DAYS; days += 1) {
    const found = plannedOn(from + days * DAY_MS, local);
    if (found) return found;
  }
  throw new Error(`${local.timezone} has no date for a digest after ${last}`);
}

/** Returns the newest of the dates that are due: a run that is late by days is for that one, and those before have none of their own. */
export function latestDueDate(local: LocalSchedule, now: Date): string {
  // No zone is a day ahead of tomorrow in UTC.
  for (let days = -1; days <= MAX_DAYS; days += 1) {
    const found = plannedOn(now.getTime() - days * DAY_MS, local);
    if (found && found.dueAt <= now) return found.localDate;
  }
  throw new Error(`${local.timezone} had no date for a digest before ${now.toISOString()}`);
}

/**
 * Returns how long after `at` the user's turn comes: the same each day, and spread over the window, so that nothing happens for all at once. A window
 * of 0 is one second: all of them are due at `at`.
 */
export const delayOf = (digest: string, userId: string, windowMinutes: number): number =>
  (crc32(`${digest} ${userId}`) % Math.max(1, windowMinutes * 60)) * 1_000;

/** `day`: any time (UTC) of a date. Undefined for a date on which the schedule has nothing, or that the zone skips. */
function plannedOn(day: number, { schedule, timezone, delayMs }: LocalSchedule): PlannedDate | undefined {
  const date = new Date(day);
  if (schedule.cadence === 'weekly' && date.getUTCDay() !== (schedule.weekday ?? 0) % 7) return undefined;
  const localDate = date.toISOString().slice(0, 10);
  const instant = instantOf(localDate, schedule.at, timezone);
  return Number.isNaN(instant) ? undefined : { localDate, dueAt: new Date(instant + delayMs) };
}
