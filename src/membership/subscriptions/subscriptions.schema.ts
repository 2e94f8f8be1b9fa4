import { z } from 'zod';

/** What the comparison of a subscription with its processor may come to. */
const REFETCH_OUTCOMES = ['same', 'repaired', 'waiting', 'failed', 'no_api'] as const;
/** One of `same`, `repaired`, `waiting` (for a plan or a link), `failed`, and `no_api` where the processor cannot be asked. */
export type RefetchOutcome = (typeof REFETCH_OUTCOMES)[number];

const refetchedSubscription = z.object({
  processor: z.string(),
  subscriptionId: z.string(),
  outcome: z.enum(REFETCH_OUTCOMES),
});
/** A subscription that its processor was asked for. */
export type RefetchedSubscription = z.infer<typeof refetchedSubscription>;

/** The response of POST /v1/users/{userId}/subscriptions/refetch. */
export const refetchResponse = z
  .object({ subscriptions: z.array(refetchedSubscription) })
  .meta({ id: 'RefetchedSubscriptions' });
