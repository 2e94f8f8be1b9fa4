import type { PLAYBACK_STATES } from '../mailbox/events/event-data.schema.js';

/** Watching counts from here (CONTRACT §5). */
export const COUNTS_AFTER_SECONDS = 60;
/** Episodes in a row that autoplay began before a person is asked. */
export const ASK_AFTER_EPISODES = 5;
/** Longer without a beat, and it is another viewing. Three beats may be lost. */
export const VIEWING_GAP_MS = 240_000;

export type PlaybackState = (typeof PLAYBACK_STATES)[number];

/** What a beat says of the viewing; `at` is by the device's own clock, in milliseconds. */
export interface ViewingMoment {
  readonly showId: string;
  readonly profileId: string;
  readonly episodeId: string | undefined;
  readonly positionSeconds: number;
  readonly state: PlaybackState;
  readonly autoplay: boolean | undefined;
  readonly at: number;
}

/** One device's stretch of watching one show, over rollovers from episode to episode. */
export interface Viewing {
  readonly showId: string;
  readonly profileId: string;
  readonly episodeId: string | undefined;
  readonly state: PlaybackState;
  readonly at: number;
  readonly watchedSeconds: number;
  readonly counts: boolean;
  /** Episodes in a row that autoplay began and nobody touched. */
  readonly autoplayEpisodes: number;
  readonly asked: boolean;
}

/** What follows from a beat. `stale`: the device itself said something newer before. */
export interface ViewingStep {
  readonly viewing: Viewing;
  readonly stale: boolean;
  readonly askStillWatching: boolean;
}

/** The viewing after a beat. A show counts once it was watched for a minute, or was left beyond its first minute before. */
export function advance(before: Viewing | undefined, beat: ViewingMoment): ViewingStep {
  if (before && continues(before, beat) && beat.at < before.at)
    return { viewing: before, stale: true, askStillWatching: false };
  const same = before && continues(before, beat) ? before : undefined;
  const watchedSeconds = same ? same.watchedSeconds + watchedBetween(same, beat) : 0;
  const { autoplayEpisodes, asked } = untouched(before, beat);
  const ask = autoplayEpisodes >= ASK_AFTER_EPISODES && !asked;
  const { showId, profileId, episodeId, state, at } = beat;
  return {
    viewing: {
      showId,
      profileId,
      episodeId,
      state,
      at,
      watchedSeconds,
      counts:
        (same?.counts ?? false) ||
        watchedSeconds >= COUNTS_AFTER_SECONDS ||
        beat.positionSeconds >= COUNTS_AFTER_SECONDS,
      autoplayEpisodes,
      asked: asked || ask,
    },
    stale: false,
    askStillWatching: ask,
  };
}

/** The next episode of a show is the same viewing; another show, another profile or a long silence is not. */
const continues = (viewing: Viewing, beat: ViewingMoment): boolean =>
  viewing.showId === beat.showId &&
  viewing.profileId === beat.profileId &&
  Math.abs(beat.at - viewing.at) <= VIEWING_GAP_MS;

const watchedBetween = (before: Viewing, beat: ViewingMoment): number =>
  before.state === 'playing' ? (beat.at - before.at) / 1_000 : 0;

/** A pause, an episode begun by hand or `autoplay: false` is a person's touch, and begins the count anew. */
function untouched(
  before: Viewing | undefined,
  beat: ViewingMoment,
): { autoplayEpisodes: number; asked: boolean } {
  if (beat.state === 'paused' || beat.autoplay === false) return { autoplayEpisodes: 0, asked: false };
  const sameEpisode = before?.showId === beat.showId && before.episodeId === beat.episodeId;
  if (sameEpisode) return { autoplayEpisodes: before.autoplayEpisodes, asked: before.asked };
  if (beat.autoplay === undefined) return { autoplayEpisodes: 0, asked: false };
  return { autoplayEpisodes: (before?.autoplayEpisodes ?? 0) + 1, asked: before?.asked ?? false };
}
