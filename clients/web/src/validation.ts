import type { Entitlement, FrontPage, Membership, Progress } from './events.js';

// Type guards for data from the server. They check only the fields that the client itself reads: the server validates the
// rest, and an older app must keep working when a newer server adds fields.

/** True for an object that is neither null nor an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True for a whole number from 0 on, as offsets are. */
export function isOffset(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** True for a number of seconds that a timer can be set to: from 1 to a day. With less, heartbeats would run hot. */
export function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && value >= 1 && value <= 86_400;
}

/** True for a membership with a version to compare by. */
export function isMembership(value: unknown): value is Membership {
  return isVersioned(value);
}

/** True for an entitlement with a version to compare by. */
export function isEntitlement(value: unknown): value is Entitlement {
  return isVersioned(value);
}

/** True for a playback position with a profile, a show and a readable time. */
export function isProgress(value: unknown): value is Progress {
  if (!isRecord(value) || typeof value['profileId'] !== 'string' || typeof value['showId'] !== 'string')
    return false;
  return typeof value['at'] === 'string' && !Number.isNaN(Date.parse(value['at']));
}

/** True for a front page with a profile and a version. */
export function isFrontPage(value: unknown): value is FrontPage {
  if (!isRecord(value) || typeof value['profileId'] !== 'string') return false;
  return Number.isFinite(value['version']) || typeof value['version'] === 'string';
}

function isVersioned(value: unknown): value is Record<string, unknown> & { readonly version: number } {
  return isRecord(value) && Number.isFinite(value['version']);
}
