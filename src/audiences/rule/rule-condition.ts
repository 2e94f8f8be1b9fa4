import { placeOfUser } from '../../contacts/contact.fragments.js';
import { hasAppVersion, hasPlatform, hasSet, wasSeenWithin } from '../../devices/device.fragments.js';
import { hasPlan, hasStatus } from '../../membership/membership.fragments.js';
import { hasWatched } from '../../playback/playback.fragments.js';
import type { AudienceRule } from './audience-rule.js';

/** SQL text is never made of what callers sent: each value is a parameter. */
export class StatementValues {
  /** In the order of `$1`, `$2` … */
  readonly all: unknown[] = [];

  /** Adds a value; returns the expression that stands for it. */
  add(value: unknown, type: string): string {
    this.all.push(value);
    return `$${this.all.length}::${type}`;
  }
}

/** Returns a condition: whether the rule fits the user. `userId` is an SQL expression. */
export function ruleCondition(rule: AudienceRule, userId: string, values: StatementValues): string {
  const combined = (parts: readonly AudienceRule[], by: 'AND' | 'OR') =>
    `(${parts.map((part) => ruleCondition(part, userId, values)).join(` ${by} `)})`;
  if (rule.all) return combined(rule.all, 'AND');
  if (rule.any) return combined(rule.any, 'OR');
  if (rule.not) return `NOT ${ruleCondition(rule.not, userId, values)}`;
  if (rule.everyone) return 'true';
  return ownCondition(rule, userId, values);
}

function ownCondition(rule: AudienceRule, userId: string, values: StatementValues): string {
  const { plan, status, platform, appVersion, locale, timezone, lastSeen, watched, preference } = rule;
  const texts = (list: readonly string[]) => values.add(list, 'text[]');
  const text = (value: string | undefined) => values.add(value ?? null, 'text');
  const days = (value: number | undefined) => values.add(value ?? null, 'int');
  if (plan) return hasPlan({ userId, planIds: texts(plan) });
  if (status) return hasStatus({ userId, statuses: texts(status) });
  if (platform) return hasPlatform({ userId, platforms: texts(platform) });
  if (appVersion)
    return hasAppVersion({
      userId,
      platform: text(appVersion.platform),
      atLeast: text(appVersion.atLeast),
      below: text(appVersion.below),
    });
  if (locale)
    return isAt(
      userId,
      `EXISTS (SELECT FROM unnest(${texts(locale)}) AS l (tag)
        WHERE lower(p.locale) = lower(l.tag) OR starts_with(lower(p.locale), lower(l.tag) || '-'))`,
    );
  if (timezone) return isAt(userId, `p.timezone = ANY (${texts(timezone)})`);
  if (lastSeen) return wasSeenWithin({ userId, days: days(lastSeen.withinDays) });
  if (watched) return hasWatched({ userId, showId: text(watched.showId), days: days(watched.withinDays) });
  if (preference) {
    const { category, ...setting } = preference;
    const json = values.add(JSON.stringify(setting), 'jsonb');
    return hasSet({ userId, category: text(category), setting: json });
  }
  throw new Error('a rule has one condition at least');
}

const isAt = (userId: string, condition: string): string =>
  `EXISTS (SELECT FROM (${placeOfUser(userId)}) p WHERE ${condition})`;
