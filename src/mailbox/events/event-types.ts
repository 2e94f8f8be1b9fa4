import type { z } from 'zod';
import type { DurableTier, Tier } from '../../platform/tiers.js';
import {
  frontPageReadyData,
  membershipChangedData,
  playbackProgressData,
  receiptsChangedData,
  stillWatchingData,
  streamStopData,
} from './event-data.schema.js';

/** What Usher knows of a type of event. Types that are not in the table are the back office's own. */
export interface EventType<EventTier extends Tier = Tier, Data extends z.ZodType = z.ZodType> {
  readonly tier: EventTier;
  /** What the event replaces: of one user's events with the same key only the newest is kept. Undefined: it replaces nothing. */
  readonly key: ((event: { data: z.output<Data>; target: string | undefined }) => string) | undefined;
  /** `key` for readers: what stands in angle brackets differs from event to event. */
  readonly keyPattern: string | undefined;
  /** Only Usher may publish it, because a forged one would lie about a plan. */
  readonly reserved: boolean;
  /** Whether devices that sleep are sent a push. (Whether without asking for it is a matter of its category: devices/preferences.) */
  readonly push: boolean;
  /** Acknowledging it is not enough: it is sent once more until the device says that it carried it out (receipt `applied`). */
  readonly mustBeApplied: boolean;
  readonly audience: 'every device' | 'the other devices of the user' | 'the device in `target`';
  readonly summary: string;
  /** Shape of `data`. */
  readonly data: Data;
}

const define = <const EventTier extends Tier, Data extends z.ZodType>(
  type: EventType<EventTier, Data>,
): EventType<EventTier, Data> => type;

/**
 * The registry of the types that Usher itself sends. A new type is one entry here; documents, the web client's types and what push
 * and live connections do with it follow from it.
 */
export const EVENT_TYPES = {
  'membership.changed': define({
    tier: 'critical',
    key: () => 'membership',
    keyPattern: 'membership',
    reserved: true,
    push: true,
    mustBeApplied: true,
    audience: 'every device',
    summary: 'What the user pays for has changed.',
    data: membershipChangedData,
  }),
  'stream.stop': define({
    tier: 'critical',
    key: ({ data: { streamId } }) => `stream:${streamId}`,
    keyPattern: 'stream:<streamId>',
    reserved: true,
    // A stream on a device that sleeps ends with its lease.
    push: false,
    mustBeApplied: false,
    audience: 'the device in `target`',
    summary: 'The device must stop playing this stream.',
    data: streamStopData,
  }),
  'recommendations.ready': define({
    tier: 'important',
    key: ({ data: { profileId } }) => `recommendations:${profileId}`,
    keyPattern: 'recommendations:<profileId>',
    reserved: false,
    push: true,
    mustBeApplied: false,
    audience: 'every device',
    summary: 'A new front page.',
    data: frontPageReadyData,
  }),
  'playback.still_watching': define({
    tier: 'important',
    key: ({ target }) => `still_watching:${target}`,
    keyPattern: 'still_watching:<deviceId>',
    reserved: false,
    // The question is for somebody who sits before a playing screen.
    push: false,
    mustBeApplied: false,
    audience: 'the device in `target`',
    summary: 'Ask whether anybody is there: autoplay began several episodes in a row.',
    data: stillWatchingData,
  }),
  'playback.progress': define({
    tier: 'routine',
    key: ({ data: { profileId, showId } }) => `playback:${profileId}:${showId}`,
    keyPattern: 'playback:<profileId>:<showId>',
    reserved: false,
    push: false,
    mustBeApplied: false,
    audience: 'the other devices of the user',
    summary: 'Another device of the user is at this position of the show.',
    data: playbackProgressData,
  }),
  'receipts.changed': define({
    tier: 'routine',
    key: undefined,
    keyPattern: undefined,
    reserved: false,
    push: false,
    mustBeApplied: false,
    audience: 'the other devices of the user',
    summary: 'These events were seen on another device of the user.',
    data: receiptsChangedData,
  }),
} as const;

export type BuiltInType = keyof typeof EVENT_TYPES;
export type DataOf<Type extends BuiltInType> = z.output<(typeof EVENT_TYPES)[Type]['data']>;
export type TierOf<Type extends BuiltInType> = (typeof EVENT_TYPES)[Type]['tier'];
export type DurableType = {
  [Type in BuiltInType]: TierOf<Type> extends DurableTier ? Type : never;
}[BuiltInType];

/** The registry's entry of a type; undefined for a type of the back office. */
export const findEventType = (type: string): EventType | undefined =>
  Object.hasOwn(EVENT_TYPES, type) ? (EVENT_TYPES[type as BuiltInType] as EventType) : undefined;

/** Frames of the protocol itself, names that Socket.IO keeps for its own, and what only edge nodes are sent. */
const RESERVED_NAMES = new Set([
  'welcome', 'snapshot', 'goaway', 'token.expiring', 'token.refresh', 'sync', 'receipt', 'playback.heartbeat',
  'connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener', 'error',
  'entitlement.changed',
]); // prettier-ignore

/** Whether nobody but Usher may publish events of this type. */
export const isReservedType = (type: string): boolean =>
  RESERVED_NAMES.has(type) || (findEventType(type)?.reserved ?? false);
