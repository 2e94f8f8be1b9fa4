import type { Progress } from './events.js';
import type { Outgoing } from './outbox.js';

/** Where this device is in a show. */
export interface Beat {
  readonly showId: string;
  readonly episodeId?: string;
  readonly positionSeconds: number;
  readonly durationSeconds: number;
  readonly state: 'playing' | 'paused' | 'ended';
  /** Whether autoplay began this episode, and no person. */
  readonly autoplay?: boolean;
  /** Default: the profile given to `connect`. */
  readonly profileId?: string;
  /** The stream that this device holds; the beat keeps its slot. */
  readonly streamId?: string;
  /** When this was so, ISO 8601. Default: now. */
  readonly at?: string;
}

export interface BeatAnswer {
  /** When the server would like the next beat; longer under load. */
  readonly nextSeconds: number;
}

type Dated = Beat & { readonly profileId: string; readonly at: string };

/** A beat says itself when it was true, since it may be sent much later. */
export function date(beat: Beat, profileId: string, nowMs: number): Dated {
  return { ...beat, profileId: beat.profileId ?? profileId, at: beat.at ?? new Date(nowMs).toISOString() };
}

export function toOutgoing(beat: Dated): Outgoing {
  const slot = JSON.stringify(['beat', beat.profileId, beat.showId]);
  return { slot, name: 'playback.heartbeat', payload: beat, order: Date.parse(beat.at) };
}

/** A device never hears its own beat, so its mirror learns of it from here. */
export function toProgress(beat: Dated, deviceId: string): Progress {
  const { profileId, showId, episodeId, positionSeconds, durationSeconds, state, at } = beat;
  const row = { profileId, showId, positionSeconds, durationSeconds, state, deviceId, at };
  return episodeId === undefined ? row : { ...row, episodeId };
}
