import { z } from 'zod';
import { instant, storableInstant, userId } from '../platform/auth/ids.schema.js';
import { cursorOrInstant, nextCursor } from '../platform/http/cursor.schema.js';
import { plainText } from '../platform/http/text.schema.js';

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
