import type { STOP_REASONS } from '../mailbox/events/event-data.schema.js';
import type { Capabilities } from '../membership/membership.js';

export type StopReason = (typeof STOP_REASONS)[number];
/** `ended`: its edge node said so. */
export type EndReason = StopReason | 'ended';

/** What an edge node wants to send to a device. */
export interface NewStream {
  readonly userId: string;
  readonly deviceId: string;
  readonly titleId: string;
  readonly edgeId: string;
}

/** A stream that holds a slot, as a refused one is told of it. */
export interface RunningStream {
  readonly streamId: string;
  readonly deviceId: string;
  readonly titleId: string;
  readonly edgeId: string;
  readonly startedAt: string;
}

/** What is known of a stream that wants to go on, all of one moment. */
export interface StreamNow {
  readonly streamId: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly endReason: EndReason | null;
  /** Its slot ran out: it needs a free one to go on. */
  readonly lapsed: boolean;
  /** The device is still its user's, as far as anyone registered it. */
  readonly hasDevice: boolean;
  /** The user's other streams that hold a slot; and those of them that had theirs before this one. */
  readonly others: number;
  readonly older: number;
}

/** `renew`: it holds its slot. `retake`: it may take a free one again. Everything else is a refusal. */
export type RenewalDecision =
  'renew' | 'retake' | 'not_entitled' | 'too_many_streams' | 'device_removed' | 'ended';

/** Whether a stream may go on. An end is final; of too many the oldest stay, so that nobody is put out by who came later. */
export function decideRenewal(stream: StreamNow, may: Capabilities): RenewalDecision {
  if (stream.endReason !== null) return verdictOnEnded(stream.endReason);
  if (!stream.hasDevice) return 'device_removed';
  if (!may.streaming) return 'not_entitled';
  if ((stream.lapsed ? stream.others : stream.older) >= may.maxStreams) return 'too_many_streams';
  return stream.lapsed ? 'retake' : 'renew';
}

function verdictOnEnded(reason: EndReason): RenewalDecision {
  if (reason === 'membership') return 'not_entitled';
  return reason === 'operator' ? 'ended' : reason;
}

/** How many of a user's streams may stay. */
export const maxStreamsOf = ({ streaming, maxStreams }: Capabilities): number => (streaming ? maxStreams : 0);

/** What no plan goes beyond: with it, a status alone says whether it lets its user stream. */
export const FULL_CAPABILITIES: Capabilities = {
  streaming: true,
  maxStreams: Number.MAX_SAFE_INTEGER,
  maxQuality: 'any',
  downloads: true,
  ads: false,
};
