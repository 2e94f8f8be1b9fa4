import { z } from 'zod';
import { deviceId, instant } from '../platform/auth/ids.schema.js';
import { plainText } from '../platform/http/text.schema.js';

/** The platforms of devices. */
export const PLATFORMS = ['ios', 'android', 'web', 'tv'] as const;
/** The platform of a device. */
export const platform = z.enum(PLATFORMS);
/** The version of the app on a device. */
export const appVersion = plainText(64);

const timezone = z
  .string()
  .max(64)
  .refine(isTimezone, { error: 'must be an IANA time zone, as Europe/Berlin' });
const locale = z.string().max(35).refine(isLocale, { error: 'must be a BCP 47 tag, as de-CH' });

/** An address that a push provider issued; 2,048 is twice the longest known, and fits into an index. */
const address = z
  .string()
  .max(2_048)
  .regex(/^[\x21-\x7e]+$/, { error: 'must be an address as the vendor gave it' });
const base64url = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[\w-]+={0,2}$/, { error: 'must be base64url' });

/** Where pushes for a device are sent; the shape depends on the kind. */
export const pushAddress = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('apns'), address }),
  z.object({ kind: z.literal('fcm_token'), address }),
  z.object({ kind: z.literal('fcm_fid'), address }),
  z.object({
    kind: z.literal('webpush'),
    address: address.regex(/^https:\/\//, {
      error: 'must be the endpoint of the subscription, an https URL',
    }),
    // A P-256 point has 65 bytes, the secret 16 (RFC 8291).
    keys: z.object({ p256dh: base64url(96), auth: base64url(32) }),
  }),
]);
/** A push address. */
export type PushAddressBody = z.infer<typeof pushAddress>;

/** The body of `PUT /v1/me/devices/{deviceId}`. */
export const deviceBody = z.object({
  platform,
  name: plainText(100).min(1).optional(),
  appVersion: appVersion.optional(),
  timezone: timezone.optional(),
  locale: locale.optional(),
  push: pushAddress.optional(),
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
export const deviceAnswer = z.object({
  deviceId,
  platform,
  name: z.string().nullable(),
  appVersion: z.string().nullable(),
  timezone: z.string().nullable(),
  locale: z.string().nullable(),
  push: z.object({ kind: z.string() }).nullable().describe('The address itself is not shown.'),
  createdAt: instant,
  lastSeenAt: instant,
});
export type DeviceAnswer = z.infer<typeof deviceAnswer>;
/** The answer of `GET /v1/me/devices`. */
export const devicesAnswer = z.object({ devices: z.array(deviceAnswer) });

function isTimezone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
}

function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
