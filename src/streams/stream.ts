import type { STOP_REASONS } from '../mailbox/events/event-data.schema.js';
import type { Capabilities } from '../membership/membership.js';

/** Why Usher stopped a stream. */
export type StopReason = (typeof STOP_REASONS)[number];
/** Why a stream ended. `ended`: its edge node reported the end. */
export type EndReason = StopReason | 'ended';

/** A stream that an edge node asks to start. */
export interface NewStream {
  readonly userId: string;
  readonly deviceId: string;
  readonly titleId: string;
  readonly edgeId: string;
}

/** A stream that holds a slot, as it is listed in the refusal `too_many_streams`. */
export interface RunningStream {
  readonly streamId: string;
  readonly deviceId: string;
  readonly titleId: string;
  readonly edgeId: string;
  readonly startedAt: string;
}

/** What decides whether a stream may go on, read in one statement. */
export interface StreamState {
  readonly streamId: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly endReason: EndReason | null;
  /** Its slot ran out, so it needs a free one to go on. */
  readonly lapsed: boolean;
  /** The user has the device, or it was not registered when the stream started. */
  readonly hasDevice: boolean;
  /** How many other streams of the user hold a slot. */
  readonly others: number;
  /** How many of them got their slots before this one. */
  readonly older: number;
}

/** `renew`: it holds its slot and may keep it. `retake`: its slot ran out and one is free. The others are refusals. */
export type RenewalDecision =
  'renew' | 'retake' | 'not_entitled' | 'too_many_streams' | 'device_removed' | 'ended';

/**
 * Decides whether a stream may go on. An ended stream never may: as long as its user could not start another one, the refusal is why.
 * Of too many streams the oldest stay, so that nobody loses a stream to one that started later.
 */
export function decideRenewal(stream: StreamState, capabilities: Capabilities): RenewalDecision {
  if (stream.endReason !== null) return refusalOfEnded(stream.endReason, stream.others, capabilities);
  if (!stream.hasDevice) return 'device_removed';
  if (!capabilities.streaming) return 'not_entitled';
  if ((stream.lapsed ? stream.others : stream.older) >= capabilities.maxStreams) return 'too_many_streams';
  return stream.lapsed ? 'retake' : 'renew';
}

function refusalOfEnded(reason: EndReason, others: number, capabilities: Capabilities): RenewalDecision {
  if (reason === 'membership') return capabilities.streaming ? 'ended' : 'not_entitled';
  if (reason === 'too_many_streams') return others < maxStreamsOf(capabilities) ? 'ended' : reason;
  return reason === 'operator' ? 'ended' : reason;
}

/** How many streams these capabilities allow at once; 0 without streaming. */
export const maxStreamsOf = ({ streaming, maxStreams }: Capabilities): number => (streaming ? maxStreams : 0);

/** At least what any plan allows. With it in place of the plan's, the status alone decides whether a user may stream. */
export const FULL_CAPABILITIES: Capabilities = {
  streaming: true,
  maxStreams: Number.MAX_SAFE_INTEGER,
  maxQuality: 'any',
  downloads: true,
  ads: false,
};

/**
 * After this a stop matters to nobody, device or edge node: no lease of the stream can be valid any more. The longest grace is a day, the
 * longest lease an hour.
 */
export const STOP_EXPIRY_HOURS = 26;
