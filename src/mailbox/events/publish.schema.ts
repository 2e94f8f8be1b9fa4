import { z } from 'zod';
import { deviceId, instant, profileId, userId } from '../../platform/auth/ids.schema.js';
import { TIERS } from '../../platform/tiers.js';

/** Events that one call may publish. */
export const MAX_EVENTS = 1_000;
/** Size of an event's data as JSON. */
export const MAX_DATA_BYTES = 16_384;

/** The type of an event: dotted words, for example `promo.started`. */
export const eventType = z
  .string()
  .regex(/^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*$/i)
  .max(64);
/** The key of an event: any text without control characters. */
export const eventKey = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u);

/** An event that a back office publishes. */
export const newEvent = z
  .strictObject({
    userId,
    type: eventType.describe('Dotted words'),
    tier: z
      .enum(TIERS)
      .describe(
        '`critical` and `important` are durable; `routine` is sent to connected devices and not stored',
      ),
    key: eventKey.optional().describe('What it supersedes; without one, nothing'),
    data: z
      .unknown()
      .refine((data) => data !== undefined, { error: 'data must be given' })
      .meta({ description: 'Any JSON of at most 16 KiB' }),
    profileId: profileId.optional(),
    deviceId: deviceId.optional().describe('The one device that it is for'),
    expiresAt: instant.optional().describe('It is not sent any more after that'),
  })
  .meta({ id: 'NewEvent' });
export type NewEventBody = z.infer<typeof newEvent>;

/** The body of `POST /v1/events`. */
export const publishBody = z.strictObject({ events: z.array(newEvent).min(1).max(MAX_EVENTS) }).meta({
  id: 'NewEvents',
  examples: [
    {
      events: [
        {
          userId: 'ada',
          type: 'promo.started',
          tier: 'important',
          key: 'promo',
          data: { title: 'Free week' },
        },
      ],
    },
  ],
});
export type PublishBody = z.infer<typeof publishBody>;

/** `received`: the answer waits until every connected device has acknowledged, at most ACK_TIMEOUT_SECONDS. */
export const publishQuery = z.strictObject({
  wait: z
    .literal('received')
    .optional()
    .describe('Wait for the devices, at most ACK_TIMEOUT_SECONDS; at most 100 events'),
});
export type PublishQuery = z.infer<typeof publishQuery>;

/** The answer of `POST /v1/events`. */
export const publishAnswer = z
  .object({
    accepted: z
      .array(
        z.object({
          id: z.uuid(),
          offset: z.int().positive().optional().describe('Only of durable events.'),
          devices: z
            .array(z.object({ deviceId, state: z.enum(['asleep', 'sent', 'received', 'applied', 'seen']) }))
            .optional()
            .describe('With wait=received: what became of it on each device that it is for.'),
        }),
      )
      .describe('In the order of the call.'),
  })
  .meta({ id: 'AcceptedEvents' });

/** An Envelope (event.ts), for the documents. */
export const envelopeSchema = z
  .object({
    id: z.uuid(),
    type: eventType,
    tier: z.enum(TIERS),
    key: z.string().describe('It supersedes earlier events of this key.'),
    offset: z.int().positive().optional().describe('Its place in the mailbox; only of durable events.'),
    broadcast: z
      .int()
      .positive()
      .optional()
      .describe('Of an event for everyone: its place in the log of broadcasts, in place of an offset.'),
    epoch: z.string().optional().describe('What the offset, or the number, counts in.'),
    at: instant,
    expiresAt: instant.optional(),
    profileId: profileId.optional(),
    target: deviceId.optional().describe('The one device that it is for; others only move their position.'),
    data: z.unknown(),
  })
  .meta({ id: 'Event', description: 'An event as devices get it' });

/** A Position (../position.ts). */
export const positionSchema = z
  .object({ epoch: z.string(), offset: z.int().nonnegative() })
  .meta({ id: 'Position', description: 'A place in a mailbox' });

/** The query of `GET /v1/me/entries`. */
export const entriesQuery = z.object({
  epoch: z.string().max(64).optional().describe('Of the position: another one is refused'),
  after: z.coerce.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).default(0).describe('The offset'),
  limit: z.coerce.number().int().min(1).max(500).default(100).describe('The most events in the page'),
});
export type EntriesQuery = z.infer<typeof entriesQuery>;

/** The answer of `GET /v1/me/entries`. */
export const entriesAnswer = z
  .object({
    position: positionSchema.describe('Continue from here.'),
    hasMore: z.boolean(),
    entries: z.array(envelopeSchema),
  })
  .meta({ id: 'Entries' });
