import type { PLAYBACK_STATES } from '../mailbox/events/event-data.schema.js';

/** A show counts as watched from here (docs/CONTRACT.md, "Playback rules"). */
export const COUNTS_AFTER_SECONDS = 60;
/** Episodes in a row that autoplay started before the user is asked whether they still watch. */
export const ASK_AFTER_EPISODES = 5;
/** After longer without a heartbeat a new viewing begins. With one heartbeat a minute, three may be lost. */
export const VIEWING_GAP_MS = 240_000;

/** What the player of a device does. */
export type PlaybackState = (typeof PLAYBACK_STATES)[number];

/** The part of a heartbeat that the rule needs; `at` is by the device's clock, in ms since 1970. */
export interface ViewingHeartbeat {
  readonly showId: string;
  readonly profileId: string;
  readonly episodeId: string | undefined;
  readonly positionSeconds: number;
  readonly state: PlaybackState;
  readonly autoplay: boolean | undefined;
  readonly at: number;
}

/** One device watching one show without a long break, over any number of episodes. `at` is the time of its last heartbeat. */
export interface Viewing {
  readonly showId: string;
  readonly profileId: string;
  readonly episodeId: string | undefined;
  readonly state: PlaybackState;
  readonly at: number;
  readonly watchedSeconds: number;
  /** Whether the show counts as watched, so that its position is saved. */
  readonly counts: boolean;
  /** Episodes in a row that autoplay started, without any sign of a person. */
  readonly autoplayEpisodes: number;
  /** Whether the user was asked since the last sign of a person. */
  readonly asked: boolean;
}

/** What follows from a heartbeat. `stale`: the device has sent a newer one before, so this one changes nothing. */
export interface ViewingStep {
  readonly viewing: Viewing;
  readonly stale: boolean;
  readonly askStillWatching: boolean;
}

/**
 * Returns the viewing after a heartbeat. A show counts once it was watched for a minute, or when its position is beyond
 * the first minute.
 */
export function advance(before: Viewing | undefined, heartbeat: ViewingHeartbeat): ViewingStep {
  if (before && heartbeat.at < before.at) return { viewing: before, stale: true, askStillWatching: false };
  const same = before && isSameViewing(before, heartbeat) ? before : undefined;
  const watchedSeconds = same ? same.watchedSeconds + secondsWatchedSince(same, heartbeat) : 0;
  const { autoplayEpisodes, asked } = countAutoplay(before, heartbeat);
  const ask = autoplayEpisodes >= ASK_AFTER_EPISODES && !asked;
  const { showId, profileId, episodeId, state, at } = heartbeat;
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
        heartbeat.positionSeconds >= COUNTS_AFTER_SECONDS,
      autoplayEpisodes,
      asked: asked || ask,
    },
    stale: false,
    askStillWatching: ask,
  };
}

/** The next episode of a show belongs to the same viewing; another show, another profile or a long break begins a new one. */
const isSameViewing = (viewing: Viewing, heartbeat: ViewingHeartbeat): boolean =>
  viewing.showId === heartbeat.showId &&
  viewing.profileId === heartbeat.profileId &&
  heartbeat.at - viewing.at <= VIEWING_GAP_MS;

const secondsWatchedSince = (before: Viewing, heartbeat: ViewingHeartbeat): number =>
  before.state === 'playing' ? (heartbeat.at - before.at) / 1_000 : 0;

/** A pause, an episode started by hand or `autoplay: false` shows that a person is there, and resets the count. */
function countAutoplay(
  before: Viewing | undefined,
  heartbeat: ViewingHeartbeat,
): { autoplayEpisodes: number; asked: boolean } {
  if (heartbeat.state === 'paused' || heartbeat.autoplay === false)
    return { autoplayEpisodes: 0, asked: false };
  const sameEpisode = before?.showId === heartbeat.showId && before.episodeId === heartbeat.episodeId;
  if (sameEpisode) return { autoplayEpisodes: before.autoplayEpisodes, asked: before.asked };
  if (heartbeat.autoplay === undefined) return { autoplayEpisodes: 0, asked: false };
  return { autoplayEpisodes: (before?.autoplayEpisodes ?? 0) + 1, asked: before?.asked ?? false };
}
