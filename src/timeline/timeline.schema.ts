import { z } from 'zod';
import { instant, userId } from '../platform/auth/ids.schema.js';

export const timelineQuery = z.object({
  before: instant.optional().describe('Only what is older; the `next` of an earlier answer.'),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
export type TimelineQuery = z.infer<typeof timelineQuery>;

export const timelineAnswer = z.object({
  userId,
  timeline: z.array(
    z.looseObject({ at: instant, step: z.enum(['webhook', 'membership', 'event', 'stream']) }),
  ),
  next: instant.optional().describe('Ask with it as `before`; left out at the end.'),
});
