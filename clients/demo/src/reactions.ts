import type {
  Envelope,
  MembershipChanged,
  Progress,
  ReceiptsChanged,
  StillWatching as Question,
} from '@usher/client';
import type { FrontPageRow } from './front-page.js';
import type { Player } from './player.js';
import type { StillWatching } from './still-watching.js';

/** The parts of a screen that events move. */
export interface Parts {
  readonly player: Player;
  readonly row: FrontPageRow;
  readonly question: StillWatching;
  /** Says how far this event got here. */
  readonly receipt: (state: 'applied' | 'seen') => void;
}

/** What a device does when it hears an event. What it shows it takes from the SDK's state, not from here. */
export function react(event: Envelope, parts: Parts): void {
  switch (event.type) {
    case 'membership.changed':
      if (!(event.data as MembershipChanged).capabilities.streaming) parts.player.pause();
      return parts.receipt('applied');
    case 'stream.stop':
      parts.player.pause();
      return parts.receipt('applied');
    case 'playback.progress':
      return yieldTo(event.data as Progress, parts);
    case 'recommendations.ready':
      parts.row.isNew(event);
      return parts.receipt('applied');
    case 'playback.still_watching':
      return ask(event.data as Question, parts);
    case 'receipts.changed':
      return parts.row.wasSeen((event.data as ReceiptsChanged).ids);
  }
}

/** Somebody goes on with this show elsewhere; two devices that both say where it is would contradict each other. */
function yieldTo({ state, showId }: Progress, { player, question }: Parts): void {
  if (!player.isPlaying || state !== 'playing' || showId !== player.place?.showId) return;
  player.cut();
  question.withdraw();
}

function ask({ episodes }: Question, { player, question, receipt }: Parts): void {
  receipt('applied');
  const { place } = player;
  if (!player.isPlaying || !place) return;
  player.pause();
  question.ask(episodes, {
    goOn: () => {
      receipt('seen');
      player.play(place);
    },
    stop: () => receipt('seen'),
  });
}
