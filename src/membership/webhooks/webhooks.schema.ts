import { z } from 'zod';

/**
 * What became of a webhook. `waiting`: it needs a plan, a customer link or a subscription that is not known yet. `stale`: something
 * newer was known. `ignored`: it changes no membership. `failed`: applying it failed; it is retried.
 */
export const WEBHOOK_STATUSES = ['stored', 'applied', 'stale', 'ignored', 'waiting', 'failed'] as const;
/** One of WEBHOOK_STATUSES. */
export type WebhookStatus = (typeof WEBHOOK_STATUSES)[number];

/** Query of `GET /v1/webhooks`. */
export const webhooksQuery = z.strictObject({
  status: z.enum(WEBHOOK_STATUSES).default('waiting'),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
export type WebhooksQuery = z.infer<typeof webhooksQuery>;
