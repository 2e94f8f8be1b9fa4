import { timeZoneOr } from '../../devices/preferences/quiet-hours.js';
import { instantOf } from '../../platform/local-time.js';
import type { CampaignDefinition } from '../campaign.js';

/**
 * Returns when it is a member's turn, ISO 8601. `timezone`: null for a user of whom none is known, for whom `fallback` counts. On a date that the zone
 * skips it is when the campaign begins.
 */
export function dueAtOf(
  {
    body: { startAt },
    startsAt,
  }: { readonly body: Pick<CampaignDefinition, 'startAt'>; readonly startsAt: string },
  timezone: string | null,
  fallback: string,
): string {
  if (typeof startAt === 'string') return startsAt;
  const local = instantOf(startAt.date, startAt.time, timeZoneOr(timezone ?? fallback, fallback));
  return Number.isNaN(local) ? startsAt : new Date(local).toISOString();
}
