import { Temporal } from 'temporal-polyfill';
import type { QuietHours } from './preferences.schema.js';

/**
 * Whether the name is a time zone of the IANA database that quietHoursEnd can evaluate. Asked of Temporal and not of Intl, which takes more:
 * abbreviations as IST, which Ireland, Israel and India have, and from some version on offsets, which know no summer time.
 */
export function isTimeZone(name: string): boolean {
  if (/^[+-]/.test(name)) return false;
  // Temporal also reads the zone out of a whole date: only a name is named by itself.
  return zoneOf(name)?.timeZoneId.toLowerCase() === name.toLowerCase();
}

/** Returns the time zone, or `fallback` in place of one that cannot be evaluated, since another version of the database had it when it was stored. */
export const timeZoneOr = (name: string, fallback: string): string => zoneOf(name)?.timeZoneId ?? fallback;

/**
 * Returns when the quiet hours end that `now` is in, by local time in `timezone` (IANA); undefined when `now` is not in them. A time zone that
 * cannot be evaluated, since another version of the database had it when it was stored, counts as UTC. If the change to summer time skips
 * the end, they end right after the skipped hour; if the end comes twice in autumn, the first one counts.
 */
export function quietHoursEnd({ start, end }: QuietHours, now: Date, timezone: string): Date | undefined {
  const timeZone = timeZoneOr(timezone, 'UTC');
  const local = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(timeZone);
  const from = Temporal.PlainTime.from(start);
  const until = Temporal.PlainTime.from(end);
  const time = local.toPlainTime();
  const afterStart = Temporal.PlainTime.compare(time, from) >= 0;
  const beforeEnd = Temporal.PlainTime.compare(time, until) < 0;
  const overMidnight = Temporal.PlainTime.compare(from, until) > 0;
  if (overMidnight ? !afterStart && !beforeEnd : !afterStart || !beforeEnd) return undefined;
  const day = overMidnight && afterStart ? local.toPlainDate().add({ days: 1 }) : local.toPlainDate();
  const ends = day.toZonedDateTime({ timeZone, plainTime: until });
  // In the hour that comes twice, the first end may have passed although local time is before it.
  return ends.epochMilliseconds > now.getTime() ? new Date(ends.epochMilliseconds) : undefined;
}

function zoneOf(name: string): Temporal.ZonedDateTime | undefined {
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
  } catch {
    return undefined;
  }
}
