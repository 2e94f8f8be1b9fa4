import { isRecord } from './envelope.js';
import type { Entitlement, FrontPage, Membership, Progress } from './events.js';

// Only what the mirror compares by: a row without it has no place there, and must not stop the rows that do.

export function isMembership(value: unknown): value is Membership {
  return isVersioned(value);
}

export function isEntitlement(value: unknown): value is Entitlement {
  return isVersioned(value);
}

export function isProgress(value: unknown): value is Progress {
  if (!isRecord(value) || typeof value['profileId'] !== 'string' || typeof value['showId'] !== 'string')
    return false;
  return typeof value['at'] === 'string' && !Number.isNaN(Date.parse(value['at']));
}

export function isFrontPage(value: unknown): value is FrontPage {
  if (!isRecord(value) || typeof value['profileId'] !== 'string') return false;
  return Number.isFinite(value['version']) || typeof value['version'] === 'string';
}

function isVersioned(value: unknown): value is Record<string, unknown> & { readonly version: number } {
  return isRecord(value) && Number.isFinite(value['version']);
}
