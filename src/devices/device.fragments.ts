import { STALE_AFTER_DAYS } from './device.js';
import { OPT_IN_CATEGORIES } from './preferences/preferences.js';
import { existsForEach, userSource } from '../platform/postgres/user-source.js';

/* SQL over the tables device and preference for statements of other folders. All parameters are SQL expressions. */

/** A condition: whether the user has set preferences. */
export const hasPreferences = (userId: string): string =>
  `EXISTS (SELECT FROM preference f WHERE f.user_id = ${userId})`;

/** A condition: whether the user's preferences, or the defaults without any, allow important pushes of this event type. */
export const allowsPushOf = ({ userId, type }: { userId: string; type: string }): string => {
  const category = `split_part(${type}, '.', 1)`;
  const optIn = OPT_IN_CATEGORIES.map((name) => `'${name}'`).join(', ');
  const preference = (...path: string[]) =>
    `f.body #>> ARRAY['categories', ${category}, ${path.map((one) => `'${one}'`).join(', ')}]`;
  const isOptedIn = `(${category} <> ALL (ARRAY[${optIn}]))`;
  return `coalesce((SELECT CASE ${preference('delivery')} WHEN 'digest' THEN false WHEN 'off' THEN false
      WHEN 'immediate' THEN coalesce((${preference('channels', 'push')})::boolean, true)
      ELSE (${preference('channels', 'push')})::boolean END
      FROM preference f WHERE f.user_id = ${userId}), ${isOptedIn})`;
};

/** A condition: whether the user's preferences leave events of this type for when they happen, and not for a digest or nothing. */
export const isToldAtOnce = ({ userId, type }: { userId: string; type: string }): string =>
  `coalesce((SELECT coalesce(f.body #>> ARRAY['categories', split_part(${type}, '.', 1), 'delivery'], '') NOT IN ('digest', 'off')
      FROM preference f WHERE f.user_id = ${userId}), true)`;

/** For LATERAL: body, the user's preferences as they were set, without defaults. At most one row. */
export const preferencesOf = (userId: string): string =>
  `SELECT f.body FROM preference f WHERE f.user_id = ${userId}`;

/** For LATERAL: the user's devices: device_id, created_at, last_seen_at, push_kind (of the address; null without one), is_stale. */
export const devicesOf = (userId: string): string =>
  `SELECT d.device_id, d.created_at, d.last_seen_at, d.push ->> 'kind' AS push_kind,
      d.last_seen_at < now() - interval '${STALE_AFTER_DAYS} days' AS is_stale FROM device d WHERE d.user_id = ${userId}`;

/**
 * For LATERAL: the user's devices that can be pushed to: device_id, kind (of the address), last_seen_at. OFFSET 0 has the planner look up each
 * user's (it does not merge such a subquery into the query around it), and never read the table from end to end.
 */
export const pushableDevicesOf = (userId: string): string =>
  `SELECT d.device_id, d.push ->> 'kind' AS kind, d.last_seen_at FROM device d
    WHERE d.user_id = ${userId} AND d.push IS NOT NULL OFFSET 0`;

/** A condition: whether the user has a device that can be pushed to. */
export const canBePushed = (userId: string): string => `EXISTS (${pushableDevicesOf(userId)})`;

/** For LATERAL: what a push to the device needs: push (the address), locale, timezone, last_seen_at. At most one row. */
export const pushTarget = ({ userId, deviceId }: { userId: string; deviceId: string }): string =>
  `SELECT d.push, d.locale, d.timezone, d.last_seen_at FROM device d
    WHERE d.user_id = ${userId} AND d.device_id = ${deviceId}`;

/** A condition: whether the user has any device. */
export const hasDevices = (userId: string): string =>
  `EXISTS (SELECT FROM device d WHERE d.user_id = ${userId})`;

/** A condition: whether the user has the device. */
export const hasDevice = ({ userId, deviceId }: { userId: string; deviceId: string }): string =>
  `EXISTS (SELECT FROM device d WHERE d.user_id = ${userId} AND d.device_id = ${deviceId})`;

/** For LATERAL: timezone and locale of the user: those of the device with a time zone that was seen last, of phones if there is one. At most one row. */
export const placeOf = (userId: string): string =>
  `SELECT d.timezone, d.locale FROM device d WHERE d.user_id = ${userId} AND d.timezone IS NOT NULL
    ORDER BY d.platform IN ('ios', 'android') DESC, d.last_seen_at DESC LIMIT 1`;

/** For FROM: user_id and body of the next `limit` users with preferences after the user `after`, by their ids. */
export const usersWithPreferences = ({ after, limit }: { after: string; limit: string }): string =>
  `SELECT f.user_id, f.body FROM preference f WHERE f.user_id > ${after} ORDER BY f.user_id LIMIT ${limit}`;

/** The users with devices. */
export const usersWithDevices = userSource('device', { hasManyRows: true });
/** The users who have set preferences. */
export const usersWithOwnPreferences = userSource('preference');

/** A condition: whether the user has a device of one of these platforms (text[]). */
export const hasPlatform = ({ userId, platforms }: { userId: string; platforms: string }): string =>
  existsForEach(`SELECT FROM device d WHERE d.user_id = ${userId} AND d.platform = ANY (${platforms})`);

/** A scalar (int[]): the numbers at the beginning of an app's version, as 4.10.2, without zeros at the end; null when there are none. */
const numbersOf = (version: string): string =>
  `string_to_array(regexp_replace(substring(${version} FROM '^[0-9]{1,9}(?:[.][0-9]{1,9}){0,3}'), '([.]0+)+$', ''), '.')::int[]`;

/** A condition: whether the user has a device with an app of at least one version and below the other; a null is no bound. */
export const hasAppVersion = (of: {
  userId: string;
  platform: string;
  atLeast: string;
  below: string;
}): string =>
  existsForEach(`SELECT FROM device d WHERE d.user_id = ${of.userId} AND (${of.platform} IS NULL OR d.platform = ${of.platform})
    AND (${of.atLeast} IS NULL OR ${numbersOf('d.app_version')} >= ${numbersOf(of.atLeast)})
    AND (${of.below} IS NULL OR ${numbersOf('d.app_version')} < ${numbersOf(of.below)})`);

/** A condition: whether a device of the user was seen in the last `days`. */
export const wasSeenWithin = ({ userId, days }: { userId: string; days: string }): string =>
  existsForEach(
    `SELECT FROM device d WHERE d.user_id = ${userId} AND d.last_seen_at > now() - ${days} * interval '1 day'`,
  );

/** A condition: whether the preferences that the user has set for the category hold what `setting` (jsonb) holds. */
export const hasSet = (of: { userId: string; category: string; setting: string }): string =>
  existsForEach(
    `SELECT FROM preference f WHERE f.user_id = ${of.userId} AND f.body #> ARRAY['categories', ${of.category}] @> ${of.setting}`,
  );
