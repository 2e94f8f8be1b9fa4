import { usersWithContact } from '../../contacts/contact.fragments.js';
import { usersWithDevices, usersWithOwnPreferences } from '../../devices/device.fragments.js';
import { usersWithEvents } from '../../mailbox/mailbox.fragments.js';
import { usersWithMembership } from '../../membership/membership.fragments.js';
import { existsForEach } from '../../platform/postgres/user-source.js';
import type { Audience, AudienceSelection } from '../audience.js';
import { ruleCondition, type StatementValues } from '../rule/rule-condition.js';

/** Whoever is in one of these tables is a user of whom Usher knows. No table has all of them. */
export const KNOWN_USERS = [
  usersWithEvents,
  usersWithDevices,
  usersWithMembership,
  usersWithContact,
  usersWithOwnPreferences,
] as const;

/** A condition: whether the user is in the audience. */
function isInAudience({ name, rule }: Audience, userId: string, values: StatementValues): string {
  if (rule) return ruleCondition(rule, userId, values);
  const list = values.add(name, 'text');
  return existsForEach(`SELECT FROM audience_member a WHERE a.audience = ${list} AND a.user_id = ${userId}`);
}

/** A condition: whether the user is in none of the audiences. */
const isInNone = (audiences: readonly Audience[], userId: string, values: StatementValues): string =>
  audiences.length === 0
    ? 'true'
    : audiences.map((one) => `NOT ${isInAudience(one, userId, values)}`).join(' AND ');

/** A query, one row: whether the user is in one of the audiences and in none of the others, and the data of the first list with the user. */
export function membershipSql(
  { anyOf, without }: { readonly anyOf: readonly Audience[]; readonly without: readonly Audience[] },
  userId: string,
  values: StatementValues,
): string {
  const user = values.add(userId, 'text');
  const isKnown = `(${KNOWN_USERS.map((source) => source.has('u.user_id')).join(' OR ')})`;
  const isIn = anyOf.map((one) => {
    const isThere = isInAudience(one, 'u.user_id', values);
    return one.rule ? `(${isKnown} AND ${isThere})` : isThere;
  });
  const lists = values.add(
    anyOf.map(({ name }) => name),
    'text[]',
  );
  return `SELECT (${['false', ...isIn].join(' OR ')}) AND ${isInNone(without, 'u.user_id', values)} AS "isMember", (
      SELECT m.data FROM audience_member m WHERE m.user_id = u.user_id AND m.audience = ANY (${lists})
      ORDER BY array_position(${lists}, m.audience) LIMIT 1
    ) AS data FROM (SELECT ${user} AS user_id) u`;
}

/** Which users to look at. */
export interface SlicePlace {
  /** The user after whom the slice begins. */
  readonly after: string;
  readonly limit: number;
  /** ISO 8601. Who came on the list of the audience later is no member; everybody on it is when this is left out. */
  readonly asOf?: string | undefined;
}

/**
 * A query: the next `limit` users among whom members may be, by their ids: user_id, data (of a list), is_member. It looks at so many users, however
 * many of them are members.
 */
export function sliceSql(
  { audience, without }: AudienceSelection,
  { after, limit, asOf = 'infinity' }: SlicePlace,
  values: StatementValues,
): string {
  const of = { after: values.add(after, 'text'), limit: values.add(limit, 'int') };
  const isExcluded = isInNone(without, 'u.user_id', values);
  if (!audience.rule)
    return `SELECT u.user_id AS "userId", u.data,
        u.added_at <= ${values.add(asOf, 'timestamptz')} AND ${isExcluded} AS "isMember" FROM (
        SELECT m.user_id, m.data, m.added_at FROM audience_member m
        WHERE m.audience = ${values.add(audience.name, 'text')} AND m.user_id > ${of.after} ORDER BY m.user_id LIMIT ${of.limit}
      ) u ORDER BY u.user_id`;
  const known = KNOWN_USERS.map((source) => `(${source.next(of)})`).join(' UNION ');
  return `WITH slice AS MATERIALIZED (SELECT k.user_id FROM (${known}) k ORDER BY k.user_id LIMIT ${of.limit})
    SELECT u.user_id AS "userId", NULL::json AS data, ${ruleCondition(audience.rule, 'u.user_id', values)} AND ${isExcluded} AS "isMember"
    FROM slice u ORDER BY u.user_id`;
}

/**
 * A query: members of an audience by chance: user_id, and `weight`, for how many members each stands. `steps`: of each of KNOWN_USERS one page in so many
 * is read. Of a list its first `limit` users, each of whom stands for `step`.
 */
export function sampleSql(
  { audience, without }: AudienceSelection,
  {
    steps,
    step,
    limit,
  }: { readonly steps: readonly number[]; readonly step: number; readonly limit: number },
  values: StatementValues,
): string {
  if (!audience.rule) {
    const name = values.add(audience.name, 'text');
    const part = `SELECT m.user_id FROM audience_member m WHERE m.audience = ${name} ORDER BY m.user_id LIMIT ${values.add(limit, 'int')}`;
    return `SELECT u.user_id, ${values.add(step, 'float8')} AS weight FROM (${part}) u WHERE ${isInNone(without, 'u.user_id', values)}`;
  }
  // A user who is in several tables counts in the first one.
  const samples = KNOWN_USERS.map((source, n) => {
    const each = values.add(steps[n], 'float8');
    const isFirst = KNOWN_USERS.slice(0, n).map((earlier) => `NOT ${earlier.has('s.user_id')}`);
    return `SELECT s.user_id, s.weight * ${each} AS weight FROM (${source.sample(`100 / ${each}`)}) s WHERE ${['true', ...isFirst].join(' AND ')}`;
  });
  return `SELECT u.user_id, u.weight FROM (${samples.join(' UNION ALL ')}) u
    WHERE ${ruleCondition(audience.rule, 'u.user_id', values)} AND ${isInNone(without, 'u.user_id', values)}`;
}
