import { z } from 'zod';

/** The response of POST /v1/users/{userId}/devices/{deviceId}/test-event. */
export const testEventResponse = z
  .object({
    id: z.uuid().describe('What became of it: GET /v1/users/{userId}/events/{id}.'),
    offset: z.int(),
  })
  .meta({ id: 'TestEvent' });
