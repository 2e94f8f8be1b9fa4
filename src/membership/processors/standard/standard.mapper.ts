import type { ProcessorUpdate } from '../processor.js';
import { subscriptionUpdated } from './standard.schema.js';

/** Maps an event of in-house billing. */
export function mapStandardEvent(payload: unknown): ProcessorUpdate {
  const { success, data: event } = subscriptionUpdated.safeParse(payload);
  if (!success) return { kind: 'unrelated', reason: reasonOf(payload) };
  const { data } = event;
  const asOf = new Date(event.timestamp);
  const ended = data.ended && data.status === 'canceled';
  return {
    kind: 'subscription',
    subscriptionId: data.subscriptionId,
    customerId: data.customerId ?? data.subscriptionId,
    userId: data.userId,
    status: data.status,
    priceIds: data.priceIds,
    effectiveAt: data.effectiveAt === undefined ? asOf : new Date(data.effectiveAt),
    cancelAt: data.cancelAt && data.status !== 'canceled' ? new Date(data.cancelAt) : null,
    ended,
    asOf,
    object: { ...data },
    // The order of two events of the same millisecond is unknown; the stored one stays.
    follows: () => false,
  };
}

/** An event of the right type with a wrong shape is the sender's mistake; its reason lets them find it by `GET /v1/webhooks?status=ignored`. */
const reasonOf = (payload: unknown): string =>
  typeof payload === 'object' &&
  payload !== null &&
  'type' in payload &&
  payload.type === 'subscription.updated'
    ? 'not_understood'
    : 'unknown_type';
