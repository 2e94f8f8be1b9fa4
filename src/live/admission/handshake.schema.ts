import { z } from 'zod';
import { appVersion, platform } from '../../devices/device.schema.js';
import { DEFAULT_PROFILE, deviceId, profileId } from '../../platform/auth/ids.schema.js';
import { plainText } from '../../platform/http/text.schema.js';

const number = z.union([z.string().regex(/^\d{0,16}$/), z.number().int().nonnegative()]);

/** The `auth` of a Socket.IO handshake. Every value may be a string, since the Java client sends nothing else. */
export const handshakeAuth = z.object({
  token: z.string().min(1),
  deviceId,
  platform,
  appVersion: appVersion.optional(),
  profileId: profileId.default(DEFAULT_PROFILE),
  epoch: plainText(64).optional(),
  /** When it was connected last, by the clock of `serverTime`: a replay includes the routine state that changed since. */
  since: z.iso.datetime({ offset: true }).optional(),
  offset: number.optional(),
  /** Up to where it has read the broadcasts, in `epoch`. */
  broadcast: number.optional(),
});
export type HandshakeAuth = z.infer<typeof handshakeAuth>;

/** The payload of `sync`: the position from which the device resumes. */
export const syncPayload = z.object({
  epoch: plainText(64),
  offset: z.int().nonnegative(),
  /** Up to where it has read the broadcasts; left out: up to what it was sent. */
  broadcast: z.int().nonnegative().optional(),
});

export type SyncPayload = z.infer<typeof syncPayload>;

/** The payload of `token.refresh`. */
export const tokenRefreshPayload = z.object({ token: z.string().min(1) });

/** The query of an event stream (Server-Sent Events). */
export const streamQuery = z.object({
  deviceId: deviceId.optional(),
  profileId: profileId.default(DEFAULT_PROFILE),
});
export type StreamQuery = z.infer<typeof streamQuery>;
