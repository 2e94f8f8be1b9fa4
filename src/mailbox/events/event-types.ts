import type { z } from 'zod';
import type { Tier } from '../../platform/tiers.js';
import {
  campaignMessageData,
  digestReadyData,
  frontPageReadyData,
  membershipChangedData,
  playbackProgressData,
  receiptsChangedData,
  stillWatchingData,
  streamStopData,
} from './event-data.schema.js';

/** A type of event that Usher itself sends. Types that are not in the registry are the back office's own. */
export interface EventType<EventTier extends Tier = Tier, Data extends z.ZodType = z.ZodType> {
  readonly tier: EventTier;
  /** Returns the event's key: of one user's events with the same key only the newest is kept. Undefined: the event supersedes nothing. */
  readonly key: ((event: { data: z.output<Data>; target: string | undefined }) => string) | undefined;
  /** `key` for the documents: what is in angle brackets differs from event to event. */
  readonly keyPattern: string | undefined;
  /** Only Usher may publish it: an app acts on it without asking, so a back office must not be able to forge it. */
  readonly reserved: boolean;
  /** Whether devices that are not connected get a push. (Which users get it by default is a matter of its category: devices/preferences.) */
  readonly push: boolean;
  /** An acknowledgement is not enough: the event is sent once more to a device that does not send the receipt `applied`. */
  readonly mustBeApplied: boolean;
  /** Which of the user's devices act on it. */
  readonly audience: 'every device' | 'the other devices of the user' | 'the device in `target`';
  /** One sentence for the documents. */
  readonly summary: string;
  /** Schema of the event's `data`. */
  readonly data: Data;
}

const define = <const EventTier extends Tier, Data extends z.ZodType>(
  type: EventType<EventTier, Data>,
): EventType<EventTier, Data> => type;

/**
 * The registry of the event types that Usher itself sends. A new type is one entry here: how it is stored, pushed and delivered, and what
 * docs/asyncapi.json says of it, follows from the entry. The web client's type (clients/web/src/events.ts) and the table in
 * docs/CONTRACT.md are compared with it by test/contract/event-types.test.ts.
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
    // On a device that is not connected the stream ends with its lease.
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
    // The question is only for somebody in front of a screen that plays.
    push: false,
    mustBeApplied: false,
    audience: 'the device in `target`',
    summary: 'Ask whether anybody is there: autoplay began several episodes in a row.',
    data: stillWatchingData,
  }),
  'digest.ready': define({
    tier: 'important',
    key: ({ data: { digest } }) => `digest:${digest}`,
    keyPattern: 'digest:<digest>',
    reserved: true,
    push: true,
    mustBeApplied: false,
    audience: 'every device',
    summary: 'What happened since the last digest, at the time of day that the digest goes out.',
    data: digestReadyData,
  }),
  'campaign.message': define({
    tier: 'important',
    key: ({ data: { campaign } }) => `campaign:${campaign}`,
    keyPattern: 'campaign:<campaign>',
    reserved: true,
    push: true,
    mustBeApplied: false,
    audience: 'every device',
    summary: 'What a campaign has to say.',
    data: campaignMessageData,
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

/** The name of a type in the registry. */
export type BuiltInType = keyof typeof EVENT_TYPES;
/** The type of `data` of a built-in event. */
export type DataOf<Type extends BuiltInType> = z.output<(typeof EVENT_TYPES)[Type]['data']>;
/** The tier of a built-in event. */
export type TierOf<Type extends BuiltInType> = (typeof EVENT_TYPES)[Type]['tier'];

/** Returns the registry's entry of a type; undefined for a type of the back office. */
export const findEventType = (type: string): EventType | undefined =>
  Object.hasOwn(EVENT_TYPES, type) ? (EVENT_TYPES[type as BuiltInType] as EventType) : undefined;

/** Frames of the protocol itself, names that Socket.IO reserves, and what only edge nodes are sent. */
const RESERVED_NAMES = new Set([
  'welcome', 'snapshot', 'goaway', 'token.expiring', 'token.refresh', 'sync', 'receipt', 'playback.heartbeat',
  'connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener', 'error',
  'entitlement.changed',
]); // prettier-ignore

/** Whether only Usher may publish events of this type. */
export const isReservedType = (type: string): boolean =>
  RESERVED_NAMES.has(type) || (findEventType(type)?.reserved ?? false);

/** What keys of reserved types begin with, or are: `membership`, `stream:`, `digest:`, `campaign:`. */
const RESERVED_KEYS = (Object.values(EVENT_TYPES) as EventType[]).flatMap(({ reserved, keyPattern }) =>
  reserved && keyPattern !== undefined ? [keyPattern.replace(/<.*/, '')] : [],
);

/** Whether only Usher may publish events with this key: any other event with it would take the place of one of a reserved type. */
export const isReservedKey = (key: string): boolean =>
  RESERVED_KEYS.some((reserved) => (reserved.endsWith(':') ? key.startsWith(reserved) : key === reserved));
