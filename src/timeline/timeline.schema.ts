import { z } from 'zod';
import { deviceAnswer } from '../devices/device.schema.js';
import { stateResponse } from '../mailbox/state/state.schema.js';
import { instant, userId } from '../platform/auth/ids.schema.js';
import { decodeCursor, placeBefore, type TimelinePlace } from './timeline-cursor.js';

/** An instant, or the opaque `next` of an earlier response. */
const place = z.string().transform((text, context): TimelinePlace => {
  const found = instant.safeParse(text).success ? placeBefore(text) : decodeCursor(text);
  if (found) return found;
  context.addIssue({ code: 'custom', message: 'must be the `next` of an earlier response, or an instant' });
  return z.NEVER;
});

/** The query of GET /v1/users/{userId}/timeline. */
export const timelineQuery = z.strictObject({
  before: place.optional().describe('The `next` of an earlier response, or an instant: only older steps.'),
  limit: z.coerce.number().int().min(1).max(500).default(100).describe('The most steps in the page'),
});
export type TimelineQuery = z.infer<typeof timelineQuery>;

/** The response of GET /v1/users/{userId}/timeline. */
export const timelineResponse = z
  .object({
    userId,
    timeline: z.array(
      z.looseObject({ at: instant, step: z.enum(['webhook', 'membership', 'event', 'stream']) }),
    ),
    next: z.string().optional().describe('The `before` of the next page; left out at the end.'),
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
