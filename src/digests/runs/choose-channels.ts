import { allowsMessage, allowsPush, withDefaults } from '../../devices/preferences/preferences.js';
import type { Preferences } from '../../devices/preferences/preferences.schema.js';
import type { DigestChannel } from '../definitions/digest-definition.js';
import type { DigestMessage } from './digest-messages.js';

/** Which ways to a user there are: a verified address of each kind, and a device that can be pushed to. */
export type Reach = Readonly<Record<DigestChannel, boolean>>;

const TYPE = 'digest.ready';

/**
 * Returns by which texts and mails a user gets a digest: undefined when it is pushed. That is so when a push comes first among the channels
 * that the user has and wants, or when there is none at all.
 */
export function chooseChannels(
  channels: readonly DigestChannel[],
  reach: Reach,
  preferences: Preferences | undefined,
): DigestMessage['channels'] | undefined {
  const settings = withDefaults(preferences);
  const isWanted = (channel: DigestChannel): boolean =>
    channel === 'push' ? allowsPush(settings, TYPE) : allowsMessage(settings, TYPE, channel);
  const usable = channels.filter((channel) => reach[channel] && isWanted(channel));
  const [first, ...later] = usable;
  if (first === undefined || first === 'push') return undefined;
  return [first, ...later.filter((channel) => channel !== 'push')];
}
