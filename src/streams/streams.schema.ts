import { z } from 'zod';
import { deviceId, instant, userId } from '../platform/auth/ids.schema.js';
import { plainText } from '../platform/http/text.schema.js';
import { STOP_REASONS, streamId } from '../mailbox/events/event-data.schema.js';

/** The name that an edge node chooses for itself. */
export const edgeId = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,64}$/, { error: 'edgeId must be 1 to 64 of A-Z a-z 0-9 _ . : -' })
  .meta({ description: 'The edge node that sends it, as it names itself', examples: ['edge-fra-1'] });

/** The body of POST /v1/streams. */
export const newStream = z
  .strictObject({ userId, deviceId, titleId: plainText(128).min(1).describe('What is played'), edgeId })
  .meta({
    id: 'NewStream',
    examples: [{ userId: 'ada', deviceId: 'ada-tv', titleId: 'dark', edgeId: 'edge-fra-1' }],
  });
export type NewStreamBody = z.infer<typeof newStream>;

/** The response when a stream is started or its lease renewed. */
export const grantedStream = z
  .object({
    streamId,
    lease: z.string().describe('A JWT (EdDSA) that the keys of /.well-known/jwks.json verify'),
    expiresAt: instant.describe("The lease's"),
  })
  .meta({ id: 'GrantedStream' });

/** The response of DELETE /v1/users/{userId}/streams. */
export const stoppedStreams = z.object({ stopped: z.array(streamId) }).meta({ id: 'StoppedStreams' });

/** The response of GET /v1/users/{userId}/streams. */
export const runningStreams = z
  .object({
    streams: z.array(
      z.object({
        streamId,
        deviceId,
        titleId: z.string(),
        edgeId,
        startedAt: instant,
        slotSince: instant.describe('The oldest slots stay when a plan becomes smaller'),
        slotUntil: instant.describe('When the slot ends unless it is renewed; its leases end by then'),
      }),
    ),
  })
  .meta({ id: 'RunningStreams' });

/** The `auth` of the edge socket's handshake. */
export const edgeAuth = z.object({ key: z.string().min(1).max(512), edgeId });

/** The most ids in one frame; an edge node with more streams sends several frames. */
export const MAX_STREAM_IDS = 500;
/** The frame `streams`: an edge node lists the streams that it carries, and the acknowledgement lists those that must stop. */
export const streamsPayload = z.object({ streamIds: z.array(streamId).max(MAX_STREAM_IDS) });

/** The frame `stream.stop`. */
export const streamStop = z.object({
  streamId,
  userId,
  deviceId,
  reason: z.enum(STOP_REASONS),
  version: z.int().nonnegative().describe("The membership's, when it was stopped"),
});
/** The frame `entitlement.changed`. */
export const entitlementChanged = z.object({
  userId,
  version: z.int().nonnegative(),
  streaming: z.boolean(),
});

/** A JSON Web Key Set (RFC 7517). */
export const jwks = z
  .object({
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
  })
  .meta({ id: 'LeaseKeys', description: 'A JSON Web Key Set (RFC 7517)' });
