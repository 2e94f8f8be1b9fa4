import { z } from 'zod';
import { deviceId, instant, profileId, userId } from '../../platform/auth/ids.schema.js';
import { TIERS } from '../../platform/tiers.js';

export const MAX_EVENTS = 1_000;
export const MAX_DATA_BYTES = 16_384;

/** Event types are dotted words, as `promo.started`. */
export const eventType = z
  .string()
  .regex(/^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*$/i)
  .max(64);
/** Any text without control characters. */
export const eventKey = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u);

export const newEvent = z.object({
  userId,
  type: eventType,
  tier: z.enum(TIERS),
  key: eventKey.optional(),
  data: z.unknown().refine((data) => data !== undefined, { error: 'data must be given' }),
  profileId: profileId.optional(),
  deviceId: deviceId.optional(),
  expiresAt: instant.optional(),
});
export type NewEventBody = z.infer<typeof newEvent>;

export const publishBody = z.object({ events: z.array(newEvent).min(1).max(MAX_EVENTS) });
export type PublishBody = z.infer<typeof publishBody>;

/** `received`: answer once every device that is awake acknowledged, or the time for it has passed. */
export const publishQuery = z.object({ wait: z.literal('received').optional() });
export type PublishQuery = z.infer<typeof publishQuery>;

export const publishAnswer = z.object({
  accepted: z.array(
    z.object({
      id: z.uuid(),
      offset: z.int().positive().optional(),
      devices: z
        .array(z.object({ deviceId, state: z.enum(['asleep', 'sent', 'received', 'applied', 'seen']) }))
        .optional()
        .describe('With wait=received: what became of it on each device that it is for.'),
    }),
  ),
});

export const envelopeSchema = z.object({
  id: z.uuid(),
  type: eventType,
  tier: z.enum(TIERS),
  key: z.string(),
  offset: z.int().positive().optional(),
  epoch: z.string().optional(),
  at: instant,
  expiresAt: instant.optional(),
  profileId: profileId.optional(),
  target: deviceId.optional(),
  data: z.unknown(),
});

export const positionSchema = z.object({ epoch: z.string(), offset: z.int().nonnegative() });

export const entriesQuery = z.object({
  epoch: z.string().max(64).optional(),
  after: z.coerce.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).default(0),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
export type EntriesQuery = z.infer<typeof entriesQuery>;

export const entriesAnswer = z.object({
  position: positionSchema.describe('Continue from here.'),
  hasMore: z.boolean(),
  entries: z.array(envelopeSchema),
});
