import { type Reach, type ToldChannel, wantsChannel } from '../../devices/preferences/channels.js';
import type { Preferences } from '../../devices/preferences/preferences.schema.js';
import type { NewEventMessage } from '../../mailbox/events/event-messages.js';

const TYPE = 'digest.ready';

/**
 * Returns by which texts and mails a user gets a digest: undefined when it is pushed. That is so when a push comes first among the channels
 * that the user has and wants, or when there is none at all.
 */
export function chooseChannels(
  channels: readonly ToldChannel[],
  reach: Reach,
  preferences: Preferences | undefined,
): NewEventMessage['channels'] | undefined {
  const usable = channels.filter((channel) => reach[channel] && wantsChannel(channel, TYPE, preferences));
  const [first, ...later] = usable;
  if (first === undefined || first === 'push') return undefined;
  return [first, ...later.filter((channel) => channel !== 'push')];
}
