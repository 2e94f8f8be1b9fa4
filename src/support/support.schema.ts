import { z } from 'zod';
import { deviceId } from '../platform/auth/ids.schema.js';

/** The response of POST /v1/users/{userId}/devices/{deviceId}/test-event. */
export const testEventResponse = z
  .object({
    id: z.uuid().describe('What became of it: GET /v1/users/{userId}/events/{id}.'),
    offset: z.int(),
  })
  .meta({ id: 'TestEvent' });

/** The body of POST /v1/users/{userId}/events/{eventId}/resend. */
export const resendBody = z
  .strictObject({
    deviceId: deviceId.optional().describe('Only to this device; else to all that have not got it'),
  })
  .meta({ id: 'Resend', examples: [{}] });
export type ResendBody = z.infer<typeof resendBody>;

/** The response of the same. */
export const resentResponse = z
  .object({
    id: z.uuid(),
    offset: z.int(),
    devices: z.array(
      z.object({
        deviceId,
        by: z
          .enum(['connection', 'push', 'later', 'nothing'])
          .describe(
            '`connection`: it is connected, and was sent it again. `push`: a push was queued. `later`: it gets it when it connects. `nothing`: it has it, or is not meant to',
          ),
      }),
    ),
  })
  .meta({ id: 'ResentEvent' });
export type Resent = z.infer<typeof resentResponse>;
