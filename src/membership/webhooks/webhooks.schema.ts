import { z } from 'zod';
import { instant } from '../../platform/auth/ids.schema.js';

/**
 * What became of a webhook. `waiting`: it needs a plan, a customer link or a subscription that is not known yet. `stale`: something
 * newer was known. `ignored`: it changes no membership. `failed`: applying it failed; it is retried.
 */
export const WEBHOOK_STATUSES = ['stored', 'applied', 'stale', 'ignored', 'waiting', 'failed'] as const;
/** One of WEBHOOK_STATUSES. */
export type WebhookStatus = (typeof WEBHOOK_STATUSES)[number];

/** Query of `GET /v1/webhooks`. */
export const webhooksQuery = z.strictObject({
  status: z.enum(WEBHOOK_STATUSES).default('waiting').describe('What became of them'),
  limit: z.coerce.number().int().min(1).max(500).default(100).describe('The most that are listed'),
});
export type WebhooksQuery = z.infer<typeof webhooksQuery>;

/** Response of `POST /v1/webhooks/{processor}`. */
export const webhookReceived = z
  .object({ received: z.literal(true), duplicate: z.boolean().describe('It was stored before') })
  .meta({ id: 'WebhookReceived' });

/** Response of `GET /v1/webhooks`. */
export const webhooksResponse = z
  .object({
    webhooks: z.array(
      z.looseObject({
        processor: z.string(),
        eventId: z.string(),
        type: z.string(),
        status: z.enum(WEBHOOK_STATUSES),
        attempts: z.int(),
        createdAt: instant,
        receivedAt: instant,
      }),
    ),
  })
  .meta({ id: 'Webhooks' });
