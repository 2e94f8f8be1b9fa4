import type { ProcessorUpdate } from '../processors/processor.js';
import type { WebhookStatus } from './webhooks.schema.js';

/** Identifies a webhook: the event's id is unique within its processor. */
export interface WebhookId {
  readonly processor: string;
  readonly eventId: string;
}

/** A webhook that is due, and leased to whoever claimed it. */
export interface ClaimedWebhook extends WebhookId {
  /** What its processor is asked for; null where nothing is asked. */
  readonly subscriptionId: string | null;
  /** By the processor's clock. */
  readonly createdAt: Date;
}

const SETTLED: ReadonlySet<WebhookStatus> = new Set(['applied', 'stale', 'ignored']);

/** Whether nothing becomes of it any more. */
export const isSettled = (status: WebhookStatus): boolean => SETTLED.has(status);

/**
 * The subscription that the processor is asked for, where it can be asked; undefined when nothing is asked: an end is final whatever the
 * API would return, and a slow API must not keep access open.
 */
export function lookupOf(update: ProcessorUpdate): string | undefined {
  if (update.kind === 'unrelated') return undefined;
  return update.kind === 'subscription' && update.ended ? undefined : update.subscriptionId;
}

/** Webhooks that are applied one after the other. Those of one subscription are together: the lookup of the first settles the others. */
export function groupBySubscription(webhooks: readonly ClaimedWebhook[]): ClaimedWebhook[][] {
  const groups = new Map<string, ClaimedWebhook[]>();
  for (const webhook of webhooks) {
    const key = webhook.subscriptionId === null ? `event ${webhook.eventId}` : `of ${webhook.subscriptionId}`;
    const group = groups.get(key);
    if (group) group.push(webhook);
    else groups.set(key, [webhook]);
  }
  return [...groups.values()];
}
