import { z } from 'zod';
import { RECEIPT_STATES } from '../delivery/receipts/receipt.js';
import { deviceAnswer } from '../devices/device.schema.js';
import { stateResponse } from '../mailbox/state/state.schema.js';
import { instant, storableInstant, userId } from '../platform/auth/ids.schema.js';
import { cursorOrInstant, nextCursor } from '../platform/http/cursor.schema.js';
import { plainText } from '../platform/http/text.schema.js';
import { NON_DELIVERY_REASONS } from './non-delivery-reason.js';

/** A place in the timeline, between steps of the same millisecond too: see read-timeline.sql. */
export interface TimelinePlace {
  /** ISO 8601. */
  readonly at: string;
  /** The kind of step. */
  readonly rank: number;
  /** Which of the steps of its kind. */
  readonly ref: string;
}

const place = z
  .tuple([storableInstant, z.int().min(0).max(9), plainText(1_000)])
  .transform(([at, rank, ref]): TimelinePlace => ({ at, rank, ref }));
/** Behind all steps of that instant. */
const placeBefore = (at: string): TimelinePlace => ({ at, rank: 0, ref: '' });

/** The query of GET /v1/users/{userId}/timeline. */
export const timelineQuery = z.strictObject({
  before: cursorOrInstant(place, placeBefore)
    .optional()
    .describe('The `next` of an earlier response, or an instant: only older steps.'),
  limit: z.coerce.number().int().min(1).max(500).default(100).describe('The most steps in the page'),
});
export type TimelineQuery = z.infer<typeof timelineQuery>;

/** The response of GET /v1/users/{userId}/timeline. */
export const timelineResponse = z
  .object({
    userId,
    timeline: z.array(
      z.looseObject({ at: instant, step: z.enum(['webhook', 'membership', 'event', 'stream', 'digest']) }),
    ),
    next: nextCursor,
  })
  .meta({ id: 'Timeline' });

/** The response of GET /v1/users/{userId}. */
export const userResponse = z
  .looseObject({
    userId,
    awake: z.boolean().optional().describe('Whether a device is connected; left out while Redis is away.'),
    ...stateResponse.shape,
    subscriptions: z.array(z.looseObject({})),
    links: z.array(z.looseObject({})),
    streams: z.array(z.looseObject({})).describe('Those that run now.'),
    devices: z.array(
      deviceAnswer.extend({ membership: z.string().describe('How far the newest plan change got on it.') }),
    ),
    notApplied: z.array(z.string()).describe('Devices without the receipt `applied` for it.'),
  })
  .meta({ id: 'UserOverview', description: 'All that is known of a user' });

/** The path of GET /v1/users/{userId}/events/{eventId}. */
export const eventId = z
  .uuid()
  .meta({ description: 'An event', examples: ['a8847c3a-2f0b-4f8c-9d0e-6c1c2f1f7a11'] });

/** The response of GET /v1/users/{userId}/events/{eventId}. */
export const eventResponse = z
  .looseObject({
    userId,
    at: instant,
    id: eventId,
    type: z.string(),
    superseded: z.boolean(),
    supersededBy: eventId.nullable(),
    devices: z.array(
      z.looseObject({
        deviceId: z.string(),
        state: z.enum(['none', ...RECEIPT_STATES]),
        why: z.enum(NON_DELIVERY_REASONS).optional(),
      }),
    ),
  })
  .meta({ id: 'EventOfUser' });
