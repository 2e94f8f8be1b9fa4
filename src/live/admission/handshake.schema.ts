import { z } from 'zod';
import { appVersion, platform } from '../../devices/device.schema.js';
import { plainText } from '../../platform/http/text.schema.js';
import { DEFAULT_PROFILE, deviceId, profileId } from '../../platform/auth/ids.schema.js';

/** CONTRACT §4. Every value is a string, since the Java client sends nothing else; numbers are taken too. */
export const handshakeAuth = z.object({
  token: z.string().min(1),
  deviceId,
  platform,
  appVersion: appVersion.optional(),
  profileId: profileId.default(DEFAULT_PROFILE),
  epoch: plainText(64).optional(),
  /** When it was connected last, by the clock of `serverTime`: what it missed of routine state is told with a replay. */
  since: z.iso.datetime({ offset: true }).optional(),
  offset: z.union([z.string().regex(/^\d{0,16}$/), z.number().int().nonnegative()]).optional(),
});
export type HandshakeAuth = z.infer<typeof handshakeAuth>;

export const syncPayload = z.object({ epoch: plainText(64), offset: z.int().nonnegative() });
export const tokenRefreshPayload = z.object({ token: z.string().min(1) });

/** What a Server-Sent Events listener may say of itself. */
export const streamQuery = z.object({
  deviceId: deviceId.optional(),
  profileId: profileId.default(DEFAULT_PROFILE),
});
export type StreamQuery = z.infer<typeof streamQuery>;
