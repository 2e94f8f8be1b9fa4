import type { DurableTier, Tier } from '../../platform/tiers.js';
import { type BuiltInType, type DataOf, EVENT_TYPES, type EventType, type TierOf } from './event-types.js';

/** Something a device must learn, before it has a place in the mailbox. */
export interface NewEvent {
  readonly userId: string;
  readonly type: string;
  readonly tier: Tier;
  /** What it supersedes; without one it supersedes nothing. */
  readonly key?: string | undefined;
  readonly data: unknown;
  /** `data` as JSON text, when somebody has made it already. */
  readonly json?: string | undefined;
  readonly profileId?: string | undefined;
  /** The one device it is for; the others only move their position. */
  readonly target?: string | undefined;
  readonly expiresAt?: Date | undefined;
  /** Its publisher waits to hear which devices got it. */
  readonly reportSent?: boolean | undefined;
}

export interface NewDurableEvent extends NewEvent {
  readonly tier: DurableTier;
}

/** An event as devices get it (CONTRACT §4). Routine ones have neither offset nor epoch. */
export interface Envelope {
  readonly id: string;
  readonly type: string;
  readonly tier: Tier;
  readonly key: string;
  readonly offset?: number | undefined;
  readonly epoch?: string | undefined;
  readonly at: string;
  readonly expiresAt?: string | undefined;
  readonly profileId?: string | undefined;
  readonly target?: string | undefined;
  readonly data: unknown;
}

export interface DurableEnvelope extends Envelope {
  readonly offset: number;
  readonly epoch: string;
}

/** A mailbox row as MailboxFragments.json returns it. */
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

/** A new event of one of Usher's own types: its tier and key are those of the registry. */
export function builtInEvent<Type extends BuiltInType>(
  type: Type,
  of: Pick<NewEvent, 'userId' | 'profileId' | 'target' | 'expiresAt'> & { readonly data: DataOf<Type> },
): NewEvent & { readonly tier: TierOf<Type> } {
  const { tier, key } = EVENT_TYPES[type] as EventType<TierOf<Type>>;
  return { ...of, type, tier, key: key?.({ data: of.data, target: of.target }) };
}

export const isDurable = (event: NewEvent): event is NewDurableEvent => event.tier !== 'routine';

/** The envelope of an event that is committed (with its place) or routine (without). */
export function toEnvelope(
  id: string,
  event: NewEvent,
  at: string,
  place?: { epoch: string; offset: number },
): Envelope {
  return {
    id,
    type: event.type,
    tier: event.tier,
    key: keyOf(id, event),
    offset: place?.offset,
    epoch: place?.epoch,
    at,
    expiresAt: event.expiresAt?.toISOString(),
    profileId: event.profileId,
    target: event.target,
    data: event.data,
  };
}

export function entryToEnvelope(entry: StoredEntry, epoch: string): DurableEnvelope {
  const { expiresAt, profileId, target, data, ...rest } = entry;
  return {
    ...rest,
    epoch,
    ...(expiresAt !== null && { expiresAt }),
    ...(profileId !== null && { profileId }),
    ...(target !== null && { target }),
    data,
  };
}

export const keyOf = (id: string, event: NewEvent): string => event.key ?? `event:${id}`;

/** What a publisher is told. */
export const toAccepted = (envelopes: readonly Envelope[]) => ({
  accepted: envelopes.map(({ id, offset }) => ({ id, offset })),
});
