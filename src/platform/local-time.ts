import { Temporal } from 'temporal-polyfill';
import { growingCache } from './growing-cache.js';

/** Temporal takes a third of a millisecond for each, and all users of a zone have the same: 10 days of 418 zones and ten times of day. */
const instants = growingCache<number>(50_000);

/**
 * Returns when it is that time in the zone, in milliseconds since 1970; NaN for a date that the zone skips. If the change to summer time skips
 * the time, it is right after the skipped hour; if the time comes twice in autumn, the first one counts. `localDate`: `2026-11-20`. `at`: `17:00`.
 */
export function instantOf(localDate: string, at: string, timezone: string): number {
  const key = `${localDate} ${at} ${timezone}`;
  const known = instants.get(key);
  if (known !== undefined) return known;
  const date = Temporal.PlainDate.from(localDate);
  const isSkipped = !date.toZonedDateTime(timezone).toPlainDate().equals(date);
  const local = date.toZonedDateTime({ timeZone: timezone, plainTime: Temporal.PlainTime.from(at) });
  const instant = isSkipped ? NaN : local.epochMilliseconds;
  instants.set(key, instant);
  return instant;
}
