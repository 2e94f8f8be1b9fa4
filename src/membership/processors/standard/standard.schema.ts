import { z } from 'zod';
import { instant, userId } from '../../../platform/auth/ids.schema.js';
import { toOpenApiSchema } from '../../../platform/http/docs/schema-converter.js';
import { plainText } from '../../../platform/http/text.schema.js';

const id = plainText(255).min(1);

/**
 * An event of an in-house billing system, in the form that https://www.standardwebhooks.com specifies. It carries the whole state of one
 * subscription each time, never a difference.
 */
export const subscriptionUpdated = z
  .object({
    type: z.literal('subscription.updated'),
    timestamp: instant.describe(
      'When it became true, by the sender’s clock: of two events the later one wins',
    ),
    data: z.object({
      subscriptionId: id,
      customerId: id
        .optional()
        .describe('The customer it belongs to, linked to a user by PUT /v1/users/{userId}/links/standard'),
      userId: userId.optional().describe('The user it belongs to. Either this or customerId is needed'),
      status: z.enum(['trialing', 'active', 'past_due', 'paused', 'canceled']),
      priceIds: z
        .array(id)
        .max(100)
        .default([])
        .describe('Price ids as in PUT /v1/plans/{planId}; the first one that belongs to a plan decides'),
      cancelAt: instant.nullish().describe('When it will end unless it is resumed'),
      effectiveAt: instant.optional().describe('Since when the status holds; `timestamp` unless given'),
      ended: z.boolean().default(false).describe('Final: no later event will change this subscription'),
    }),
  })
  .refine(({ data }) => data.userId !== undefined || data.customerId !== undefined, {
    path: ['data', 'userId'],
    error: 'userId or customerId is needed',
  });

/** The same as a schema for the OpenAPI document, which cannot find it: the body is verified as bytes, without a validation pipe. */
export const subscriptionUpdatedDocument = (): Record<string, unknown> => ({
  ...toOpenApiSchema(subscriptionUpdated, 'input').schema,
  example: {
    type: 'subscription.updated',
    timestamp: '2026-11-20T11:02:51Z',
    data: { subscriptionId: 's-1', userId: 'ada', status: 'active', priceIds: ['price_premium'] },
  },
});
