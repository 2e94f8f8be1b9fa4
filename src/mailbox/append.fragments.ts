import { hasPreferences } from '../devices/device.fragments.js';
import { isOptIn } from '../devices/preferences/preferences.js';
import { generationBase } from '../platform/postgres/generation.fragments.js';
import { fragment } from '../platform/postgres/statement.js';
import type { DurableTier } from '../platform/tiers.js';
import { type BuiltInType, findEventType, EVENT_TYPES } from './events/event-types.js';

/**
 * For WITH, after a table `event` of new events: appends them to their users' mailboxes, and adds the table `placed`, which has
 * their positions. append-events.sql says which columns `event` has, and what is atomic. `handoffId` and `tier` are SQL expressions.
 * `isPastKept`: whether the timeline shall know the events that these supersede. `dueFrom`, SQL too: until then neither sweep nor push looks
 * whether the events arrived, which devices are told later than at once; now when this is not set. Whoever runs such a statement calls `MailboxService.deliverAppended` after its commit.
 */
export const appendEvents = (of: {
  handoffId: string;
  tier: string;
  isPastKept: boolean;
  dueFrom?: string;
}): string =>
  fragment('append-events.sql', import.meta.url, {
    handoffId: of.handoffId,
    tier: of.tier,
    dueFrom: of.dueFrom ?? 'now()',
    pastEvents: of.isPastKept ? fragment('past-events.sql', import.meta.url) : '',
    hasPreferences: hasPreferences('p.user_id'),
    generationBase,
  });

/** For SELECT: the columns type, tier and push of the table `event`, for one of Usher's own types. */
export function eventTypeColumns(type: BuiltInType): string {
  const { tier } = EVENT_TYPES[type];
  const push = tier === 'routine' ? undefined : pushPolicyOf(type, tier);
  return `'${type}' AS type, '${tier}' AS tier, ${push ? `'${push}'` : 'NULL'}::text AS push`;
}

/** Returns the column `push` of the table `event`: whether the push consumer gets a handoff for such an event. */
export function pushPolicyOf(type: string, tier: DurableTier): 'never' | 'opt_in' | undefined {
  if (findEventType(type)?.push === false) return 'never';
  // What is critical is pushed whatever the preferences say.
  return tier !== 'critical' && isOptIn(type) ? 'opt_in' : undefined;
}
