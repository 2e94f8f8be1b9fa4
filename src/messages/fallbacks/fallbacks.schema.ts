import { z } from 'zod';
import { eventType } from '../../mailbox/events/publish.schema.js';
import { instant } from '../../platform/auth/ids.schema.js';
import { MESSAGE_CHANNELS } from '../message.js';

/** The type of events in a path. */
export const typeInPath = eventType.meta({ description: 'A type of events', examples: ['promo.started'] });

const MAX_SECONDS = 7 * 86_400;
const channels = z
  .array(z.enum(MESSAGE_CHANNELS))
  .min(1)
  .max(MESSAGE_CHANNELS.length)
  .refine((all) => new Set(all).size === all.length, { error: 'must name each channel once' })
  .describe('Tried in this order: the next one when one fails for good, or the user does not want it.');

const fallback = z.strictObject({
  channels,
  afterSeconds: z
    .int()
    .min(1)
    .max(MAX_SECONDS)
    .describe('After the push was queued, if no device has confirmed the event by then'),
});

/** The body of `PUT /v1/fallbacks/{type}`. */
export const newFallback = fallback.meta({
  id: 'NewFallback',
  examples: [{ channels: ['sms', 'email'], afterSeconds: 600 }],
});
export type NewFallback = z.infer<typeof newFallback>;

/** The response of `PUT /v1/fallbacks/{type}`. */
export const fallbackResponse = z
  .object({ type: eventType, ...fallback.shape, updatedAt: instant })
  .meta({ id: 'Fallback', description: 'What follows a push that nobody confirmed' });
export type Fallback = z.infer<typeof fallbackResponse>;
/** The response of `GET /v1/fallbacks`: by type. */
export const fallbackList = z.object({ fallbacks: z.array(fallbackResponse) }).meta({ id: 'Fallbacks' });
