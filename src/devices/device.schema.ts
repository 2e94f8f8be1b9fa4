import { z } from 'zod';
import { deviceId, instant } from '../platform/auth/names.schema.js';
import { isStorableJson, plainText } from '../platform/text.schema.js';

export const PLATFORMS = ['ios', 'android', 'web', 'tv'] as const;
export const platform = z.enum(PLATFORMS);
export const appVersion = plainText(64);

const timezone = z
  .string()
  .max(64)
  .refine(isTimezone, { error: 'must be an IANA time zone, as Europe/Berlin' });
const locale = z.string().max(35).refine(isLocale, { error: 'must be a BCP 47 tag, as de-CH' });

/** Where pushes for this device go. What else the vendor needs (Web Push's keys) is kept with it. */
const push = z
  .looseObject({
    kind: z.enum(['apns', 'fcm_token', 'fcm_fid', 'webpush']),
    address: plainText(4_096).min(1),
  })
  .refine((said) => isStorableJson(JSON.stringify(said)), { error: 'must not hold zero characters' });

export const deviceBody = z.object({
  platform,
  name: plainText(100).min(1).optional(),
  appVersion: appVersion.optional(),
  timezone: timezone.optional(),
  locale: locale.optional(),
  push: push.optional(),
});
export type DeviceBody = z.infer<typeof deviceBody>;

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
