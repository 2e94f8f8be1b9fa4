import { STALE_AFTER_DAYS } from './device.js';
import { OPT_IN_CATEGORIES } from './preferences/preferences.js';

/* SQL over the tables device and preference for statements of other folders. All parameters are SQL expressions. */

/** A condition: whether the user has set preferences. */
export const hasPreferences = (userId: string): string =>
  `EXISTS (SELECT FROM preference f WHERE f.user_id = ${userId})`;

/** A condition: whether the user's preferences, or the defaults without any, allow important pushes of this event type. */
export const allowsPushOf = ({ userId, type }: { userId: string; type: string }): string => {
  const category = `split_part(${type}, '.', 1)`;
  const optIn = OPT_IN_CATEGORIES.map((name) => `'${name}'`).join(', ');
  return `coalesce((SELECT (f.body #> ARRAY['categories', ${category}, 'channels', 'push'])::boolean
      FROM preference f WHERE f.user_id = ${userId}), ${category} <> ALL (ARRAY[${optIn}]))`;
};

/** For LATERAL: body, the user's preferences as they were set, without defaults. At most one row. */
export const preferencesOf = (userId: string): string =>
  `SELECT f.body FROM preference f WHERE f.user_id = ${userId}`;

/** For LATERAL: the user's devices: device_id, created_at, last_seen_at, push_kind (of the address; null without one), is_stale. */
export const devicesOf = (userId: string): string =>
  `SELECT d.device_id, d.created_at, d.last_seen_at, d.push ->> 'kind' AS push_kind,
      d.last_seen_at < now() - interval '${STALE_AFTER_DAYS} days' AS is_stale FROM device d WHERE d.user_id = ${userId}`;

/** For LATERAL: the user's devices that can be pushed to: device_id, kind (of the address), last_seen_at. */
export const pushableDevicesOf = (userId: string): string =>
  `SELECT d.device_id, d.push ->> 'kind' AS kind, d.last_seen_at FROM device d
    WHERE d.user_id = ${userId} AND d.push IS NOT NULL`;

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
