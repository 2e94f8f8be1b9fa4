import { z } from 'zod';
import { instant, storableInstant } from '../../platform/auth/ids.schema.js';
import { cursorOf, listLimit, nextCursor } from '../../platform/http/cursor.schema.js';
import { plainText } from '../../platform/http/text.schema.js';

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
  before: cursorOf(z.tuple([storableInstant, z.string(), z.string()])).optional(),
  limit: listLimit,
});
export type WebhooksQuery = z.infer<typeof webhooksQuery>;

/** An event's id within its processor, as the path names it. */
export const webhookEventId = plainText(512)
  .min(1)
  .meta({ description: 'The id of the event at its processor', examples: ['msg_1'] });

const listedWebhook = z.object({
  processor: z.string(),
  eventId: z.string(),
  type: z.string(),
  status: z.enum(WEBHOOK_STATUSES),
  reason: z.string().nullable().describe('Why it waits or was ignored, or the last error'),
  waitingFor: z
    .array(z.string())
    .describe(
      '`price:…`, `customer:<processor>:…` or `subscription:…`: it is applied when any of these is there',
    ),
  userId: z.string().nullable(),
  attempts: z.int(),
  createdAt: instant.describe("By the processor's clock"),
  receivedAt: instant,
});
/** Response of `GET /v1/webhooks`. */
export const webhookList = z
  .object({ webhooks: z.array(listedWebhook), next: nextCursor })
  .meta({ id: 'Webhooks' });

/** Response of `POST /v1/webhooks/{processor}`. */
export const webhookReceived = z
  .object({ received: z.literal(true), duplicate: z.boolean().describe('It was stored before') })
  .meta({ id: 'WebhookReceived' });

/** Response of `GET /v1/webhooks/{processor}/{eventId}`. */
export const describedWebhook = listedWebhook
  .extend({
    subscriptionId: z.string().nullable().describe('What the processor is asked for'),
    nextAttemptAt: instant.nullable(),
    settledAt: instant.nullable(),
    body: z
      .unknown()
      .describe(
        'As it came, with `[redacted]` for what is about a person or secret; null when it was removed',
      ),
  })
  .meta({ id: 'Webhook' });
