import { z } from 'zod';
import { instant } from '../../platform/auth/ids.schema.js';
import { plainText } from '../../platform/http/text.schema.js';

/** A push provider in a path. */
export const vendor = plainText(64)
  .min(1)
  .meta({ description: 'A push provider: `apns`, `fcm` or `webpush`', examples: ['fcm'] });

/** Body of `PUT /v1/push/pauses/{vendor}`. */
export const pauseBody = z
  .strictObject({
    critical: z
      .boolean()
      .default(false)
      .describe('Also pushes of critical events; else these are sent all the same'),
  })
  .meta({ id: 'NewPushPause', examples: [{ critical: false }] });
export type PauseBody = z.infer<typeof pauseBody>;

/** Response of the same. */
export const pauseResponse = z
  .object({ vendor: z.string(), critical: z.boolean(), since: instant })
  .meta({ id: 'PushPause', description: 'Pushes by this provider wait until they are resumed' });
export type Pause = z.infer<typeof pauseResponse>;
