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

/** The customer whose subscriptions it is about, by the processor's id; undefined when it says nothing of one. */
export const customerOf = (update: ProcessorUpdate): string | undefined =>
  update.kind === 'subscription' || update.kind === 'payment_failure' ? update.customerId : undefined;

/** Webhooks that are applied one after the other: the lookup of a subscription settles its other webhooks. */
export const groupBySubscription = (webhooks: readonly ClaimedWebhook[]): ClaimedWebhook[][] =>
  groupBy(webhooks, ({ subscriptionId }) => subscriptionId ?? undefined);

/**
 * Webhooks that are applied one after the other, the oldest first, where the processor is not asked: a failed payment waits for the
 * subscription that it is of, and a subscription that another one replaces has to be known to end.
 */
export function groupByCustomer(
  webhooks: readonly ClaimedWebhook[],
  customerOf: (webhook: ClaimedWebhook) => string | undefined,
): ClaimedWebhook[][] {
  const inOrder = webhooks.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
  return groupBy(inOrder, customerOf);
}

/** One without a key is a group of its own. */
function groupBy(
  webhooks: readonly ClaimedWebhook[],
  keyOf: (webhook: ClaimedWebhook) => string | undefined,
): ClaimedWebhook[][] {
  const groups = new Map<string, ClaimedWebhook[]>();
  for (const webhook of webhooks) {
    const of = keyOf(webhook);
    const key = of === undefined ? `event ${webhook.eventId}` : `of ${of}`;
    const group = groups.get(key);
    if (group) group.push(webhook);
    else groups.set(key, [webhook]);
  }
  return [...groups.values()];
}
