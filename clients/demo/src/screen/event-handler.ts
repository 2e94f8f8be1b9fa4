import type { Envelope, MembershipChanged, Progress, ReceiptsChanged, StillWatching } from '@usher/client';
import type { Player } from './player.js';
import type { RecommendationsRow } from './recommendations-row.js';
import type { StillWatchingPrompt } from './still-watching-prompt.js';

export interface EventHandlerContext {
  readonly player: Player;
  readonly recommendations: RecommendationsRow;
  readonly prompt: StillWatchingPrompt;
  /** Sends a receipt for the event that is being handled. */
  readonly sendReceipt: (state: 'applied' | 'seen') => void;
}

/** Acts on an event, as an app would. What the screen shows comes from the client's state, not from here. */
export function handleEvent(event: Envelope, context: EventHandlerContext): void {
  const { player, recommendations, sendReceipt } = context;
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
      return recommendations.hideBadge((event.data as ReceiptsChanged).ids);
  }
}

/** If another device goes on with the show that plays here, stop: two devices that send its position would contradict each other. */
function handleProgress({ state, showId }: Progress, { player, prompt }: EventHandlerContext): void {
  if (!player.isPlaying || state !== 'playing' || showId !== player.position?.showId) return;
  player.pauseSilently();
  prompt.hide();
}

function handleStillWatching(
  { episodes }: StillWatching,
  { player, prompt, sendReceipt }: EventHandlerContext,
): void {
  sendReceipt('applied');
  const { position } = player;
  if (!player.isPlaying || !position) return;
  player.pause();
  prompt.show(episodes, {
    onContinue: () => {
      sendReceipt('seen');
      player.play(position);
    },
    onStop: () => sendReceipt('seen'),
  });
}
