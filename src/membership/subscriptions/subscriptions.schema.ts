import { z } from 'zod';
import { REFETCH_OUTCOMES } from './reconciliation.service.js';

/** The response of POST /v1/users/{userId}/subscriptions/refetch. */
export const refetchResponse = z.object({
  subscriptions: z.array(
    z.object({ processor: z.string(), subscriptionId: z.string(), outcome: z.enum(REFETCH_OUTCOMES) }),
  ),
});
