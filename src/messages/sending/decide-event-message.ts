import { rankOf } from '../../delivery/receipts/receipt.js';
import { allowsMessage, quietHoursFor, withDefaults } from '../../devices/preferences/preferences.js';
import { quietHoursEnd } from '../../devices/preferences/quiet-hours.js';
import type { ClaimedMessage, MessagedEvent, MessageSettlement } from '../message.js';
import { leaveChannel, sendLater } from './next-step.js';

const RECEIVED = rankOf('received');

/** What the decision depends on. */
export type MessageOfEvent = Pick<
  ClaimedMessage,
  'channel' | 'laterChannels' | 'tier' | 'attempts' | 'expiresAt'
> & {
  readonly event: MessagedEvent;
};

/**
 * Decides whether a message that tells of an event is still wanted: `send`, or how it is settled instead. All conditions are checked here, at
 * the last moment, so that a receipt or a changed preference need not find and cancel what is queued. A critical one is sent whatever the
 * user prefers; opt-outs are asked after this (begin-sending.sql).
 */
export function decideEventMessage(message: MessageOfEvent, now: Date): 'send' | MessageSettlement {
  const { event, channel, tier } = message;
  if (event.isFallback && event.rank >= RECEIVED) return { state: 'withdrawn', reason: 'received' };
  if (event.superseded) return { state: 'withdrawn', reason: 'superseded' };
  if (tier === 'critical') return 'send';
  const preferences = withDefaults(event.preferences ?? undefined);
  if (!allowsMessage(preferences, event.type, channel))
    return leaveChannel(message, 'withdrawn', 'preference');
  const quietHours = quietHoursFor(preferences, event.type);
  const until = quietHours && quietHoursEnd(quietHours, now, event.timezone ?? 'UTC');
  return until ? sendLater(message, until.getTime() - now.getTime(), now, 'quiet_hours') : 'send';
}
