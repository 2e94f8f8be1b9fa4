import type { DurableTier, Tier } from '../../platform/tiers.js';
import type { Position } from '../position.js';
import { type BuiltInType, type DataOf, EVENT_TYPES, type EventType, type TierOf } from './event-types.js';

/** An event to be published; it has no id and no position yet. */
export interface NewEvent {
  readonly userId: string;
  readonly type: string;
  readonly tier: Tier;
  /** It supersedes the user's event with the same key; without a key it supersedes nothing. */
  readonly key?: string | undefined;
  readonly data: unknown;
  /** `data` as JSON text, if it was encoded before. */
  readonly json?: string | undefined;
  readonly profileId?: string | undefined;
  /** The id of the only device that it is for; the user's other devices get it too, and only move their position. */
  readonly target?: string | undefined;
  readonly expiresAt?: Date | undefined;
  /** False: devices that are not connected get no push; it reaches the user in another way. */
  readonly isPushed?: boolean | undefined;
  /** The publisher waits for the outcome: see OutgoingEvent. */
  readonly reportSent?: boolean | undefined;
}

/** A new event that is stored in the mailbox. */
export interface NewDurableEvent extends NewEvent {
  readonly tier: DurableTier;
}

/** An event with the id and time that it was given when Usher accepted it. */
export interface StampedEvent<Event extends NewEvent = NewDurableEvent> {
  readonly id: string;
  readonly at: string;
  readonly event: Event;
  /** The context of the trace in which it was published, if it is traced (platform/tracing). */
  readonly trace?: string | undefined;
}

/** An event that another folder's statement appended to a mailbox. The whole event is asked for only if there is a device for it. */
export interface AppendedEvent extends Pick<NewDurableEvent, 'userId' | 'type' | 'tier'> {
  readonly id: string;
  readonly key: string;
  readonly at: string;
  readonly position: Position;
  readonly whole: () => NewDurableEvent;
}

/** An event as devices get it (docs/CONTRACT.md, Envelopes). Routine events have neither offset, broadcast nor epoch. */
export interface Envelope {
  readonly id: string;
  readonly type: string;
  readonly tier: Tier;
  readonly key: string;
  readonly offset?: number | undefined;
  /** Of an event for everyone, which is in no mailbox: its number in the log of broadcasts, in `epoch`. */
  readonly broadcast?: number | undefined;
  readonly epoch?: string | undefined;
  readonly at: string;
  readonly expiresAt?: string | undefined;
  readonly profileId?: string | undefined;
  readonly target?: string | undefined;
  readonly data: unknown;
}

/** The envelope of an event that is stored in the mailbox. */
export interface DurableEnvelope extends Envelope {
  readonly offset: number;
  readonly epoch: string;
}

/** A row of mailbox_entry as MailboxFragments.json returns it. */
export interface StoredEntry {
  readonly id: string;
  readonly type: string;
  readonly tier: DurableTier;
  readonly key: string;
  readonly offset: number;
  readonly at: string;
  readonly expiresAt: string | null;
  readonly profileId: string | null;
  readonly target: string | null;
  readonly data: unknown;
}

/** Returns a new event of one of Usher's own types, with the tier and key that the registry of event types defines. */
export function builtInEvent<Type extends BuiltInType>(
  type: Type,
  {
    userId,
    profileId,
    target,
    expiresAt,
    data,
  }: Pick<NewEvent, 'userId' | 'profileId' | 'target' | 'expiresAt'> & { readonly data: DataOf<Type> },
): NewEvent & { readonly tier: TierOf<Type> } {
  const { tier, key } = EVENT_TYPES[type] as EventType<TierOf<Type>>;
  // Field by field (docs/decisions/no-spread-per-event.md): each heartbeat and each row of the nightly file makes an event.
  return { userId, type, tier, key: key?.({ data, target }), profileId, target, expiresAt, data };
}

/** Whether the event is stored in the mailbox. */
export const isDurable = (event: NewEvent): event is NewDurableEvent => event.tier !== 'routine';

/** Returns the envelope of an event: a committed one has a position, a routine one has none. */
export function toEnvelope(id: string, event: NewEvent, at: string, position?: Position): Envelope {
  return {
    id,
    type: event.type,
    tier: event.tier,
    key: keyOf(id, event),
    offset: position?.offset,
    epoch: position?.epoch,
    at,
    expiresAt: event.expiresAt?.toISOString(),
    profileId: event.profileId,
    target: event.target,
    data: event.data,
  };
}

/** Returns the envelope of a stored event; `epoch` is that of its mailbox. */
export function entryToEnvelope(entry: StoredEntry, epoch: string): DurableEnvelope {
  return {
    id: entry.id,
    type: entry.type,
    tier: entry.tier,
    key: entry.key,
    offset: entry.offset,
    epoch,
    at: entry.at,
    expiresAt: entry.expiresAt ?? undefined,
    profileId: entry.profileId ?? undefined,
    target: entry.target ?? undefined,
    data: entry.data,
  };
}

/** The event's key; an event without one gets a key of its own, so that it replaces nothing. */
export const keyOf = (id: string, event: NewEvent): string => event.key ?? `event:${id}`;

/** The body of the answer to a publisher. */
export const toAccepted = (envelopes: readonly Envelope[]) => ({
  accepted: envelopes.map(({ id, offset }) => ({ id, offset })),
});
