import type { ProcessorUpdate } from '../processor.js';
import { subscriptionUpdated } from './standard.schema.js';

/** What an event of in-house billing says of a membership. */
export function mapStandardEvent(payload: unknown): ProcessorUpdate {
  const { success, data: event } = subscriptionUpdated.safeParse(payload);
  if (!success) return { about: 'other', reason: reasonOf(payload) };
  const { data } = event;
  const asOf = new Date(event.timestamp);
  const ended = data.ended && data.status === 'canceled';
  return {
    about: 'subscription',
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
    // Two events of one millisecond: nothing says which came first, and the one that is there stays.
    follows: () => false,
  };
}

/** An event of our type that does not have its shape is the sender's mistake, and should be found in the inbox. */
const reasonOf = (payload: unknown): string =>
  typeof payload === 'object' &&
  payload !== null &&
  'type' in payload &&
  payload.type === 'subscription.updated'
    ? 'not_understood'
    : 'unknown_type';
