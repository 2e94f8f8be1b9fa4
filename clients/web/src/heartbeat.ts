import type { Progress } from './events.js';
import type { OutgoingMessage } from './outbox.js';

/** A playback heartbeat: where this device is in a show. */
export interface Beat {
  readonly showId: string;
  readonly episodeId?: string;
  readonly positionSeconds: number;
  readonly durationSeconds: number;
  readonly state: 'playing' | 'paused' | 'ended';
  /** True if autoplay started this episode, not a person. */
  readonly autoplay?: boolean;
  /** Default: the profile given to `connect`. */
  readonly profileId?: string;
  /** The stream that this device holds. The heartbeat renews its slot. */
  readonly streamId?: string;
  /** When the device was at this position, ISO 8601. Default: now. */
  readonly at?: string;
}

/** The server's response to a heartbeat. */
export interface BeatAnswer {
  /** Seconds until the server wants the next heartbeat. It grows when the server is under load. */
  readonly nextSeconds: number;
}

type CompleteBeat = Beat & { readonly profileId: string; readonly at: string };

/** Returns the beat with its profile and time filled in. It carries its own time because it may be sent much later. */
export function completeBeat(beat: Beat, profileId: string, nowMs: number): CompleteBeat {
  return { ...beat, profileId: beat.profileId ?? profileId, at: beat.at ?? new Date(nowMs).toISOString() };
}

/** Returns the message that sends this beat. While offline only the newest beat of a profile and show is kept. */
export function toMessage(beat: CompleteBeat): OutgoingMessage {
  const coalesceKey = JSON.stringify(['beat', beat.profileId, beat.showId]);
  return { coalesceKey, name: 'playback.heartbeat', payload: beat, order: Date.parse(beat.at) };
}

/** Returns the playback position of this beat. The server does not send a device its own beats, so its state needs this. */
export function toProgress(beat: CompleteBeat, deviceId: string): Progress {
  const { profileId, showId, episodeId, positionSeconds, durationSeconds, state, at } = beat;
  const progress = { profileId, showId, positionSeconds, durationSeconds, state, deviceId, at };
  return episodeId === undefined ? progress : { ...progress, episodeId };
}
