import { Temporal } from 'temporal-polyfill';
import type { QuietHours } from './preferences.schema.js';

/**
 * Returns when the quiet hours end that `now` is in, by local time in `timezone` (IANA); undefined when `now` is not in them. If the
 * change to summer time skips the end, they end right after the skipped hour; if the end comes twice in autumn, the first one counts.
 */
export function quietHoursEnd({ start, end }: QuietHours, now: Date, timezone: string): Date | undefined {
  const local = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(timezone);
  const from = Temporal.PlainTime.from(start);
  const until = Temporal.PlainTime.from(end);
  const time = local.toPlainTime();
  const afterStart = Temporal.PlainTime.compare(time, from) >= 0;
  const beforeEnd = Temporal.PlainTime.compare(time, until) < 0;
  const overMidnight = Temporal.PlainTime.compare(from, until) > 0;
  if (overMidnight ? !afterStart && !beforeEnd : !afterStart || !beforeEnd) return undefined;
  const day = overMidnight && afterStart ? local.toPlainDate().add({ days: 1 }) : local.toPlainDate();
  const ends = day.toZonedDateTime({ timeZone: timezone, plainTime: until });
  // In the hour that comes twice, the first end may have passed although local time is before it.
  return ends.epochMilliseconds > now.getTime() ? new Date(ends.epochMilliseconds) : undefined;
}
