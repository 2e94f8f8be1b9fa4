import type { Membership, Progress } from '@usher/client';
import { clock, EPISODE_SECONDS, FEATURED, FIRST_EPISODE, type Place, titleOf } from './film.js';

/** What a screen's upper half is decided from. */
export interface StageInput {
  readonly deviceId: string;
  readonly isLive: boolean;
  readonly isOff: boolean;
  readonly membership: Membership | undefined;
  /** Newest first. */
  readonly playback: readonly Progress[];
  readonly player: { readonly place: Place | undefined; readonly state: Progress['state'] };
  readonly now: number;
}

export interface Stage {
  readonly place: Place;
  readonly durationSeconds: number;
  /** `here` this device plays · `there` another one does · `still` nobody. */
  readonly motion: 'here' | 'there' | 'still';
  readonly note: string;
  readonly action: { readonly label: 'Play' | 'Pause' | 'Continue here'; readonly disabled: boolean };
  /** Why nothing can be played, over the picture. */
  readonly barrier: { readonly title: string; readonly text: string } | undefined;
}

/** A device that beats once a minute and was silent for longer is perhaps no longer there. */
const SILENT_AFTER_MS = 90_000;

export function stageOf(input: StageInput): Stage {
  const { player, membership } = input;
  const [newest] = input.playback;
  const playsHere = player.state === 'playing' && player.place !== undefined;
  const isMine = newest?.deviceId === input.deviceId;
  const ownPlace =
    playsHere || (isMine && newest?.showId === player.place?.showId) ? player.place : undefined;
  const place = ownPlace ?? placeOf(newest);
  const playsThere = !playsHere && newest?.state === 'playing' && !isMine;
  const label = playsHere ? 'Pause' : newest && !isMine ? 'Continue here' : 'Play';
  return {
    place,
    durationSeconds: ownPlace ? EPISODE_SECONDS : (newest?.durationSeconds ?? EPISODE_SECONDS),
    motion: playsHere ? 'here' : playsThere ? 'there' : 'still',
    note: noteOf(input, { playsHere, isMine, newest }),
    action: { label, disabled: input.isOff || !membership?.capabilities.streaming },
    barrier: input.isOff ? undefined : barrierOf(membership, place),
  };
}

function placeOf(row: Progress | undefined): Place {
  if (!row) return { showId: FEATURED, episodeId: FIRST_EPISODE, positionSeconds: 0 };
  return {
    showId: row.showId,
    episodeId: row.episodeId ?? FIRST_EPISODE,
    positionSeconds: row.positionSeconds,
  };
}

function noteOf(
  { isOff, isLive, now }: StageInput,
  { playsHere, isMine, newest }: { playsHere: boolean; isMine: boolean; newest: Progress | undefined },
): string {
  if (isOff) return 'Unplugged';
  if (playsHere) return isLive ? 'Playing here' : 'Playing here, the others will hear of it later';
  if (!newest) return 'Ready to play';
  const where = isMine ? 'here' : `on ${newest.deviceName ?? newest.deviceId}`;
  if (newest.state === 'paused') return `Paused ${where}`;
  if (newest.state === 'ended') return `Watched to the end ${where}`;
  if (isMine) return 'Stopped here';
  const silentMs = now - Date.parse(newest.at);
  return silentMs < SILENT_AFTER_MS
    ? `Playing ${where}`
    : `Was playing ${where} ${Math.round(silentMs / 60_000)} min ago`;
}

function barrierOf(membership: Membership | undefined, place: Place): Stage['barrier'] {
  if (!membership || membership.capabilities.streaming) return undefined;
  const kept =
    place.positionSeconds > 0
      ? ` Your place is kept: ${titleOf(place.showId)}, ${clock(place.positionSeconds)}.`
      : '';
  switch (membership.status) {
    case 'canceled':
      return { title: 'Your membership has ended', text: `Playback stopped on all your screens.${kept}` };
    case 'paused':
      return { title: 'Your membership is paused', text: `Resume it to go on watching.${kept}` };
    case 'none':
      return {
        title: 'No membership yet',
        text: 'Subscribe in the back office below, and watch all three screens.',
      };
    default:
      return {
        title: 'Your plan does not include streaming',
        text: 'Choose another plan in the back office.',
      };
  }
}
