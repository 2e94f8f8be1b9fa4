import { timeZoneOr } from '../../devices/preferences/quiet-hours.js';
import { type DigestDefinition, scheduleOf } from '../definitions/digest-definition.js';
import { delayOf, latestDueDate, type LocalSchedule, planNext } from '../schedule/schedule.js';

/** What all digests of an installation have in common. */
export interface DigestSettings {
  /** Over how many minutes the digests of one local time are spread. */
  readonly windowMinutes: number;
  /** Of users who have no device with one. */
  readonly timezone: string;
}

/** When a user's digest is due next. */
export interface NextRun {
  readonly userId: string;
  /** ISO 8601. */
  readonly nextRunAt: string;
  readonly lastDate: string | null;
}

/** Returns when the digest is due for this user. `timezone`: null when the user has none, or one that cannot be evaluated any more. */
export const localScheduleOf = (
  { name, body }: { readonly name: string; readonly body: DigestDefinition },
  user: { readonly userId: string; readonly timezone: string | null },
  settings: DigestSettings,
): LocalSchedule => ({
  schedule: scheduleOf(body),
  timezone: timeZoneOr(user.timezone ?? settings.timezone, settings.timezone),
  delayMs: delayOf(name, user.userId, settings.windowMinutes),
});

/** Returns the user's next run; one without a `lastDate` begins with the first date that is not due yet. */
export function nextRunOf(local: LocalSchedule, lastDate: string | null, now: Date) {
  const last = lastDate ?? latestDueDate(local, now);
  const { dueAt } = planNext(local, last, now);
  return { nextRunAt: dueAt.toISOString(), lastDate: last };
}
