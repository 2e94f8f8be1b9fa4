import { z } from 'zod';
import { deviceId, instant, userId } from '../platform/auth/ids.schema.js';
import { plainText } from '../platform/http/text.schema.js';
import { STOP_REASONS, streamId } from '../mailbox/events/event-data.schema.js';

export const edgeId = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,64}$/, { error: 'edgeId must be 1 to 64 of A-Z a-z 0-9 _ . : -' });

export const newStream = z.object({ userId, deviceId, titleId: plainText(128).min(1), edgeId });
export type NewStreamBody = z.infer<typeof newStream>;

export const grantedStream = z.object({
  streamId,
  lease: z.string().describe('A JWT (EdDSA) that the keys of /.well-known/jwks.json verify'),
  expiresAt: instant.describe("The lease's"),
});

export const stoppedStreams = z.object({ stopped: z.array(streamId) });

/** What a lease says (CONTRACT §3). */
export const leaseClaims = z.object({
  sub: userId,
  sid: streamId,
  did: deviceId,
  ver: z.int().nonnegative(),
  cap: z.record(z.string(), z.unknown()),
  iat: z.int(),
  exp: z.int(),
});

/** The edge socket's `auth` (CONTRACT §6). */
export const edgeAuth = z.object({ key: z.string().min(1).max(512), edgeId });

/** As many as fit into a frame. An edge node with more sends several. */
export const MAX_STREAM_IDS = 500;
export const streamsPayload = z.object({ streamIds: z.array(streamId).max(MAX_STREAM_IDS) });

export const streamStop = z.object({
  streamId,
  userId,
  deviceId,
  reason: z.enum(STOP_REASONS),
  version: z.int().nonnegative().describe("The membership's, when it was stopped"),
});
export const entitlementChanged = z.object({
  userId,
  version: z.int().nonnegative(),
  streaming: z.boolean(),
});

/** RFC 7517. */
export const jwks = z.object({
  keys: z.array(
    z.object({
      kty: z.literal('OKP'),
      crv: z.literal('Ed25519'),
      x: z.string(),
      kid: z.string(),
      alg: z.literal('EdDSA'),
      use: z.literal('sig'),
    }),
  ),
});
