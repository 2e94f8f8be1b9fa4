import { z } from 'zod';
import { deviceId, instant } from '../platform/auth/ids.schema.js';
import { plainText } from '../platform/http/text.schema.js';
import { locale } from '../platform/locale.schema.js';
import { isTimeZone } from './preferences/quiet-hours.js';
import { pushAddress } from './push-address.schema.js';

/** The platforms of devices. */
export const PLATFORMS = ['ios', 'android', 'web', 'tv'] as const;
/** The platform of a device. */
export const platform = z.enum(PLATFORMS);
/** The version of the app on a device. */
export const appVersion = plainText(64);

/** A time zone that quiet hours can evaluate. */
export const timezone = z
  .string()
  .max(64)
  .refine(isTimeZone, { error: 'must be a name of the IANA time zone database, as Europe/Berlin' });

/** The body of `PUT /v1/me/devices/{deviceId}`. */
export const deviceBody = z
  .object({
    platform,
    name: plainText(100).min(1).optional(),
    appVersion: appVersion.optional(),
    timezone: timezone.optional(),
    locale: locale.optional(),
    push: pushAddress.optional(),
  })
  .meta({
    id: 'NewDevice',
    examples: [
      {
        platform: 'tv',
        name: 'Living room',
        appVersion: '4.2.0',
        timezone: 'Europe/Berlin',
        locale: 'de-DE',
      },
    ],
  });
export type DeviceBody = z.infer<typeof deviceBody>;

/** The payload of the frame `device.update`: only what changed. `push: null` removes the address. */
export const deviceUpdate = z.object({
  name: deviceBody.shape.name,
  appVersion: deviceBody.shape.appVersion,
  timezone: deviceBody.shape.timezone,
  locale: deviceBody.shape.locale,
  push: pushAddress.nullable().optional(),
});
export type DeviceUpdate = z.infer<typeof deviceUpdate>;

/** A device in an answer. */
export const deviceAnswer = z
  .object({
    deviceId,
    platform,
    name: z.string().nullable(),
    appVersion: z.string().nullable(),
    timezone: z.string().nullable(),
    locale: z.string().nullable(),
    push: z.object({ kind: z.string() }).nullable().describe('The address itself is not shown.'),
    createdAt: instant,
    lastSeenAt: instant,
  })
  .meta({ id: 'Device' });
export type DeviceAnswer = z.infer<typeof deviceAnswer>;
/** The answer of `GET /v1/me/devices`. */
export const devicesAnswer = z.object({ devices: z.array(deviceAnswer) }).meta({ id: 'Devices' });
