import type { Preferences } from '../../devices/preferences/preferences.schema.js';
import { type CollectedTypes, type DigestDefinition, wantedOf } from '../definitions/digest-definition.js';
import { type DigestSettings, localScheduleOf, nextRunOf } from '../planning/next-run.js';
import { latestDueDate, planNext } from '../schedule/schedule.js';

/** A user whose digest may be due. */
export interface DigestUser {
  readonly userId: string;
  readonly lastDate: string | null;
  readonly timezone: string | null;
  readonly preferences: Preferences | null;
}

/** When the user's next run is, ISO 8601, and the newest local date that had its digest by then. */
export type PlannedRun = ReturnType<typeof nextRunOf>;

/** A local date that is due. */
export interface DueRun {
  readonly localDate: string;
  readonly timezone: string;
  /** ISO 8601. */
  readonly dueAt: string;
}

/** `later`: it is not due, since the zone or the digest changed. `unwanted`: the preferences leave nothing, and the user has no further run. */
export type RunDecision =
  | { readonly is: 'later'; readonly next: PlannedRun }
  | { readonly is: 'unwanted'; readonly run: DueRun }
  | { readonly is: 'run'; readonly run: DueRun; readonly wanted: CollectedTypes; readonly next: PlannedRun };

/** Decides about a plan whose time has come by what was known when it was made: zone, digest and preferences are as of now. */
export function decideRun(
  digest: { readonly name: string; readonly body: DigestDefinition },
  user: DigestUser,
  now: Date,
  settings: DigestSettings,
): RunDecision {
  const local = localScheduleOf(digest, user, settings);
  const { localDate, dueAt } = planNext(local, user.lastDate, now);
  if (dueAt > now) return { is: 'later', next: nextRunOf(local, user.lastDate, now) };
  // After days without workers one digest tells of all: that of the newest date.
  const latest = latestDueDate(local, now);
  const date = latest > localDate ? latest : localDate;
  const run = { localDate: date, timezone: local.timezone, dueAt: dueAt.toISOString() };
  const wanted = wantedOf(digest.body, user.preferences ?? undefined);
  if (!wanted) return { is: 'unwanted', run };
  return { is: 'run', run, wanted, next: nextRunOf(local, date, now) };
}
