/** Every episode of this page's shows is 42 minutes long, and a season has eight. */
export const EPISODE_SECONDS = 42 * 60;
const EPISODES = 8;

/** Where somebody is in a show. */
export interface Place {
  readonly showId: string;
  readonly episodeId: string;
  readonly positionSeconds: number;
}

export const FIRST_EPISODE = 's1e1';
export const FEATURED = 'night-train-to-lindau';

export function episodeAfter(episodeId: string): string {
  const { season, episode } = numbersOf(episodeId);
  return episode < EPISODES ? `s${season}e${episode + 1}` : `s${season + 1}e1`;
}

export function episodeName(episodeId: string): string {
  const { season, episode } = numbersOf(episodeId);
  return `Season ${season}, episode ${episode}`;
}

function numbersOf(episodeId: string): { season: number; episode: number } {
  const [, season = '1', episode = '1'] = /^s(\d+)e(\d+)$/.exec(episodeId) ?? [];
  return { season: Number(season), episode: Number(episode) };
}

const SMALL_WORDS = new Set(['of', 'to', 'at', 'over', 'the']);

/** `night-train-to-lindau` is called Night Train to Lindau. */
export function titleOf(showId: string): string {
  const words = showId.split('-').filter((word) => word !== '');
  return words
    .map((word, n) => (n > 0 && SMALL_WORDS.has(word) ? word : word.charAt(0).toUpperCase() + word.slice(1)))
    .join(' ');
}

/** 754 is 12:34. */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
