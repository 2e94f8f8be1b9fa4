import type { Envelope, MembershipChanged, Progress, ReceiptsChanged, StillWatching } from '@usher/client';
import type { Announcement } from './announcement.js';
import type { FilmStream } from './film-stream.js';
import type { Player } from './player.js';
import type { RecommendationsRow } from './recommendations-row.js';
import type { ShowPosition } from './shows.js';
import type { StillWatchingPrompt } from './still-watching-prompt.js';

export interface EventHandlerContext {
  readonly player: Player;
  readonly film: FilmStream;
  readonly announcement: Announcement;
  readonly recommendations: RecommendationsRow;
  readonly prompt: StillWatchingPrompt;
  /** Asks for a stream, and plays. */
  readonly play: (position: ShowPosition) => void;
  /** Sends a receipt for the event that is being handled. */
  readonly sendReceipt: (state: 'applied' | 'seen') => void;
}

/**
 * Acts on an event, as an app would. What the screen shows comes from the client's state, not from here. When the membership ends or a
 * stream must stop, the film is left to the edge node, so that one sees it stop there.
 */
export function handleEvent(event: Envelope, context: EventHandlerContext): void {
  const { player, recommendations, announcement, sendReceipt } = context;
  switch (event.type) {
    case 'membership.changed':
      if (!(event.data as MembershipChanged).capabilities.streaming) player.pause();
      return sendReceipt('applied');
    case 'stream.stop':
      player.pause();
      return sendReceipt('applied');
    case 'playback.progress':
      return handleProgress(event.data as Progress, context);
    case 'recommendations.ready':
      recommendations.showBadge(event);
      return sendReceipt('applied');
    case 'playback.still_watching':
      return handleStillWatching(event.data as StillWatching, context);
    case 'receipts.changed':
      recommendations.hideBadge((event.data as ReceiptsChanged).ids);
      return announcement.hide((event.data as ReceiptsChanged).ids);
    case 'digest.ready':
    case 'promo.started':
      announcement.show(event);
      return sendReceipt('applied');
  }
}

/** If another device goes on with the show that plays here, stop: two devices that send its position would contradict each other. */
function handleProgress({ state, showId }: Progress, { player, film, prompt }: EventHandlerContext): void {
  if (!player.isPlaying || state !== 'playing' || showId !== player.position?.showId) return;
  player.pauseSilently();
  film.close();
  prompt.hide();
}

function handleStillWatching(
  { episodes }: StillWatching,
  { player, film, prompt, play, sendReceipt }: EventHandlerContext,
): void {
  sendReceipt('applied');
  const { position } = player;
  if (!player.isPlaying || !position) return;
  player.pause();
  film.close();
  prompt.show(episodes, {
    onContinue: () => {
      sendReceipt('seen');
      play(position);
    },
    onStop: () => sendReceipt('seen'),
  });
}
