import { z } from 'zod';
import { instant, userId } from '../platform/auth/ids.schema.js';

/** The query of GET /v1/users/{userId}/timeline. */
export const timelineQuery = z.object({
  before: instant.optional().describe('Only older steps; the `next` of an earlier response.'),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
export type TimelineQuery = z.infer<typeof timelineQuery>;

/** The response of GET /v1/users/{userId}/timeline. */
export const timelineResponse = z.object({
  userId,
  timeline: z.array(
    z.looseObject({ at: instant, step: z.enum(['webhook', 'membership', 'event', 'stream']) }),
  ),
  next: instant.optional().describe('The `before` of the next page; left out at the end.'),
});
