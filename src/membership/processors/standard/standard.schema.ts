import { z } from 'zod';
import { instant, userId } from '../../../platform/auth/ids.schema.js';
import { plainText } from '../../../platform/http/text.schema.js';

const id = plainText(255).min(1);

/**
 * What an in-house billing system says of one subscription, as https://www.standardwebhooks.com has it: the whole state of
 * the subscription each time, never a difference.
 */
export const subscriptionUpdated = z
  .object({
    type: z.literal('subscription.updated'),
    timestamp: instant.describe(
      'When it became true, by the sender’s clock: of two events the later one wins',
    ),
    data: z.object({
      subscriptionId: id,
      customerId: id.optional().describe('Whose it is, by PUT /v1/users/{userId}/links/standard'),
      userId: userId.optional().describe('Or: whose it is, said right here. One of the two is needed'),
      status: z.enum(['trialing', 'active', 'past_due', 'paused', 'canceled']),
      priceIds: z
        .array(id)
        .max(100)
        .default([])
        .describe('As PUT /v1/plans/{planId} names them; the first that belongs to a plan decides'),
      cancelAt: instant.nullish().describe('It ends then, unless resumed'),
      effectiveAt: instant.optional().describe('Since when the status holds; `timestamp` unless given'),
      ended: z
        .boolean()
        .default(false)
        .describe('Final: nothing more will ever be said of this subscription'),
    }),
  })
  .refine(({ data }) => data.userId !== undefined || data.customerId !== undefined, {
    path: ['data', 'userId'],
    error: 'userId or customerId is needed',
  });
export type SubscriptionUpdated = z.infer<typeof subscriptionUpdated>;

/** The same for the OpenAPI document: the body is verified as bytes, so no pipe of the framework sees this schema. */
export const subscriptionUpdatedDocument = (): Record<string, unknown> => {
  const { $schema: _, ...document } = z.toJSONSchema(subscriptionUpdated, {
    io: 'input',
    target: 'openapi-3.0',
  });
  return document;
};
