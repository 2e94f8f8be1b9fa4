import type { Membership, Progress } from '@usher/client';
import {
  EPISODE_SECONDS,
  FEATURED_SHOW,
  FIRST_EPISODE,
  formatTime,
  formatTitle,
  type ShowPosition,
} from './shows.js';

export interface PlayerViewModelInput {
  readonly deviceId: string;
  readonly isLive: boolean;
  readonly isUnplugged: boolean;
  readonly membership: Membership | undefined;
  /** Newest first. */
  readonly playback: readonly Progress[];
  readonly player: { readonly position: ShowPosition | undefined; readonly state: Progress['state'] };
  /** In ms since 1970. */
  readonly now: number;
}

/** What the player of one screen shows. */
export interface PlayerViewModel {
  readonly position: ShowPosition;
  readonly durationSeconds: number;
  /** `here` this device plays · `there` another one does · `still` none does. */
  readonly motion: 'here' | 'there' | 'still';
  readonly note: string;
  readonly action: {
    readonly label: 'Play' | 'Pause' | 'Continue here';
    /** Why it can not be pressed. */
    readonly whyNot: string | undefined;
  };
  /** Why nothing can be played. Covers the picture. */
  readonly barrier: { readonly title: string; readonly text: string } | undefined;
}

/** A device that plays sends a heartbeat a minute. After a longer silence it may be gone. */
const SILENT_AFTER_MS = 90_000;

/** Returns what the player shows, from this device's player and the state of all devices. */
export function getPlayerViewModel(input: PlayerViewModelInput): PlayerViewModel {
  const { player, membership, isUnplugged } = input;
  const [newest] = input.playback;
  const playsHere = player.state === 'playing' && player.position !== undefined;
  const isOwn = newest?.deviceId === input.deviceId;
  const ownPosition =
    playsHere || (isOwn && newest?.showId === player.position?.showId) ? player.position : undefined;
  const position = ownPosition ?? toShowPosition(newest);
  const playsThere = !playsHere && newest?.state === 'playing' && !isOwn;
  const label = playsHere ? 'Pause' : newest && !isOwn ? 'Continue here' : 'Play';
  return {
    position,
    durationSeconds: ownPosition ? EPISODE_SECONDS : (newest?.durationSeconds ?? EPISODE_SECONDS),
    motion: playsHere ? 'here' : playsThere ? 'there' : 'still',
    note: getNote(input, { playsHere, isOwn, newest }),
    action: { label, whyNot: getWhyNot(input) },
    barrier: isUnplugged ? undefined : getBarrier(membership, position),
  };
}

function getWhyNot({ isUnplugged, membership }: PlayerViewModelInput): string | undefined {
  if (isUnplugged) return 'This device is unplugged.';
  if (!membership) return 'The server has not said yet what the user has.';
  return membership.capabilities.streaming ? undefined : 'The membership does not allow streaming.';
}

function toShowPosition(progress: Progress | undefined): ShowPosition {
  if (!progress) return { showId: FEATURED_SHOW, episodeId: FIRST_EPISODE, positionSeconds: 0 };
  const { showId, episodeId = FIRST_EPISODE, positionSeconds } = progress;
  return { showId, episodeId, positionSeconds };
}

function getNote(
  { isUnplugged, isLive, now }: PlayerViewModelInput,
  { playsHere, isOwn, newest }: { playsHere: boolean; isOwn: boolean; newest: Progress | undefined },
): string {
  if (isUnplugged) return 'Unplugged';
  if (playsHere) return isLive ? 'Playing here' : 'Playing here, the other devices will learn of it later';
  if (!newest) return 'Ready to play';
  const where = isOwn ? 'here' : `on ${newest.deviceName ?? newest.deviceId}`;
  if (newest.state === 'paused') return `Paused ${where}`;
  if (newest.state === 'ended') return `Watched to the end ${where}`;
  if (isOwn) return 'Stopped here';
  const silentMs = now - Date.parse(newest.at);
  return silentMs < SILENT_AFTER_MS
    ? `Playing ${where}`
    : `Was playing ${where} ${Math.round(silentMs / 60_000)} min ago`;
}

function getBarrier(
  membership: Membership | undefined,
  { showId, positionSeconds }: ShowPosition,
): PlayerViewModel['barrier'] {
  if (!membership || membership.capabilities.streaming) return undefined;
  const kept =
    positionSeconds > 0 ? ` Your place is kept: ${formatTitle(showId)}, ${formatTime(positionSeconds)}.` : '';
  switch (membership.status) {
    case 'canceled':
      return { title: 'Your membership has ended', text: `Playback stopped on all your screens.${kept}` };
    case 'paused':
      return { title: 'Your membership is paused', text: `Resume it to go on watching.${kept}` };
    case 'none':
      return {
        title: 'No membership yet',
        text: 'Subscribe in the back office below.',
      };
    default:
      return {
        title: 'Your plan does not include streaming',
        text: 'Choose another plan in the back office.',
      };
  }
}
