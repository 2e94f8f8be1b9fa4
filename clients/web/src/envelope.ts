import type { UsherEvents } from './events.js';
import { isOffset, isRecord } from './validation.js';

/** How urgent an event is. Critical and important events are durable and numbered, routine ones are not. */
export type Tier = 'critical' | 'important' | 'routine';

/** The fields that every event has. */
export interface Envelope<Data = unknown, Type extends string = string> {
  /** Identifies this event. An event that is sent twice has the same id both times. */
  readonly id: string;
  readonly type: Type;
  readonly tier: Tier;
  /** Of one user's events with the same key only the newest matters. */
  readonly key: string;
  /** The event's number in the user's mailbox. Routine events have none. */
  readonly offset?: number;
  /** The number of an event for everyone, which is in no mailbox and so has no offset. */
  readonly broadcast?: number;
  /** The numbering that `offset` or `broadcast` belongs to. */
  readonly epoch?: string;
  /** When it happened, ISO 8601. */
  readonly at: string;
  /** When it stops to matter, ISO 8601. */
  readonly expiresAt?: string;
  /** The person within the account that it is about. */
  readonly profileId?: string;
  /** The id of the only device that it is meant for. */
  readonly target?: string;
  readonly data: Data;
}

/** The envelope of an event type that is in {@link UsherEvents}. */
export type EventOf<Type extends keyof UsherEvents & string> = Envelope<UsherEvents[Type], Type>;

/** An event that is stored in the user's mailbox, and so has an offset. */
export type DurableEnvelope = Envelope & { readonly offset: number };

/** An event for everyone. */
export type BroadcastEnvelope = Envelope & { readonly broadcast: number; readonly epoch: string };

/**
 * Returns the envelope in `value`, or undefined if there is none. Only the fields that the client itself uses are checked:
 * the server validates `data`.
 */
export function parseEnvelope(value: unknown): Envelope | undefined {
  if (!isRecord(value) || typeof value['id'] !== 'string' || typeof value['type'] !== 'string')
    return undefined;
  const { offset, key, type } = value;
  if (offset !== undefined && offset !== null && !isOffset(offset)) return undefined;
  return { ...value, key: typeof key === 'string' ? key : type } as Envelope;
}

/** True if the event has an offset. */
export function isDurable(envelope: Envelope): envelope is DurableEnvelope {
  return isOffset(envelope.offset);
}

/** True if the event is for everyone, and so has a number in place of an offset. */
export function isBroadcast(envelope: Envelope): envelope is BroadcastEnvelope {
  return !isDurable(envelope) && isOffset(envelope.broadcast) && typeof envelope.epoch === 'string';
}

/** True if this device should act on the event: it is not meant for another device and has not expired. */
export function isRelevant(envelope: Envelope, deviceId: string, nowMs: number): boolean {
  if (typeof envelope.target === 'string' && envelope.target !== deviceId) return false;
  // An unreadable date parses to NaN, which is never in the past. One event too many is better than a lost one.
  return !(typeof envelope.expiresAt === 'string' && Date.parse(envelope.expiresAt) < nowMs);
}
