import { z } from 'zod';
import { RECEIPT_STATES } from '../delivery/receipts/receipt.js';
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
export const timelineQuery = z.object({
  before: cursorOrInstant(place, placeBefore)
    .optional()
    .describe('The `next` of an earlier response, or an instant: only older steps.'),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
export type TimelineQuery = z.infer<typeof timelineQuery>;

/** The response of GET /v1/users/{userId}/timeline. */
export const timelineResponse = z.object({
  userId,
  timeline: z.array(
    z.looseObject({ at: instant, step: z.enum(['webhook', 'membership', 'event', 'stream']) }),
  ),
  next: nextCursor,
});

/** The path of GET /v1/users/{userId}/events/{eventId}. */
export const eventId = z.uuid();

/** The response of GET /v1/users/{userId}/events/{eventId}. */
export const eventResponse = z.looseObject({
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
});
