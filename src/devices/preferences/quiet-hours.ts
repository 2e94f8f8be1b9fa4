import { Temporal } from 'temporal-polyfill';
import type { QuietHours } from './preferences.schema.js';

/**
 * When the quiet hours end that `now` is in, by the clock on the device's wall; undefined outside of them. An end that the change to
 * summer time skips comes at the first instant after the gap; of one that comes twice in autumn the first counts.
 */
export function quietHoursEnd({ start, end }: QuietHours, now: Date, timezone: string): Date | undefined {
  const here = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(timezone);
  const from = Temporal.PlainTime.from(start);
  const until = Temporal.PlainTime.from(end);
  const time = here.toPlainTime();
  const afterStart = Temporal.PlainTime.compare(time, from) >= 0;
  const beforeEnd = Temporal.PlainTime.compare(time, until) < 0;
  const overMidnight = Temporal.PlainTime.compare(from, until) > 0;
  if (overMidnight ? !afterStart && !beforeEnd : !afterStart || !beforeEnd) return undefined;
  const day = overMidnight && afterStart ? here.toPlainDate().add({ days: 1 }) : here.toPlainDate();
  const ends = day.toZonedDateTime({ timeZone: timezone, plainTime: until });
  // In the hour that comes twice, the first end may have passed although the clock says otherwise.
  return ends.epochMilliseconds > now.getTime() ? new Date(ends.epochMilliseconds) : undefined;
}
