/** Every episode of the page's shows is 42 minutes long, and a season has eight. */
export const EPISODE_SECONDS = 42 * 60;
const EPISODES_PER_SEASON = 8;

/** A position in a show. */
export interface ShowPosition {
  readonly showId: string;
  readonly episodeId: string;
  readonly positionSeconds: number;
}

export const FIRST_EPISODE = 's1e1';
/** The show that a screen offers before anything was watched. */
export const FEATURED_SHOW = 'night-train-to-lindau';

/** Returns the id of the next episode: `s1e2` after `s1e1`. */
export function nextEpisode(episodeId: string): string {
  const { season, episode } = parseEpisode(episodeId);
  return episode < EPISODES_PER_SEASON ? `s${season}e${episode + 1}` : `s${season + 1}e1`;
}

/** Returns `Season 1, episode 2` for `s1e2`. */
export function formatEpisode(episodeId: string): string {
  const { season, episode } = parseEpisode(episodeId);
  return `Season ${season}, episode ${episode}`;
}

function parseEpisode(episodeId: string): { season: number; episode: number } {
  const [, season = '1', episode = '1'] = /^s(\d+)e(\d+)$/.exec(episodeId) ?? [];
  return { season: Number(season), episode: Number(episode) };
}

const SMALL_WORDS = new Set(['of', 'to', 'at', 'over', 'the']);

/** Returns `Night Train to Lindau` for `night-train-to-lindau`. */
export function formatTitle(showId: string): string {
  const words = showId.split('-').filter((word) => word !== '');
  return words
    .map((word, n) => (n > 0 && SMALL_WORDS.has(word) ? word : word.charAt(0).toUpperCase() + word.slice(1)))
    .join(' ');
}

/** Returns `12:34` for 754 seconds. */
export function formatTime(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
