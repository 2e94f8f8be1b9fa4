import { allowsMessage, allowsPush, withDefaults } from './preferences.js';
import type { Preferences } from './preferences.schema.js';

/** The ways by which a user is told of an event without looking for it. */
export const TOLD_CHANNELS = ['push', 'email', 'sms'] as const;
/** One of TOLD_CHANNELS. */
export type ToldChannel = (typeof TOLD_CHANNELS)[number];

/** Which ways to a user there are: a verified address of each kind, and a device that can be pushed to. */
export type Reach = Readonly<Record<ToldChannel, boolean>>;

/** Whether the user wants to be told of important events of this type by the channel. `preferences`: undefined for a user who has set none. */
export function wantsChannel(
  channel: ToldChannel,
  type: string,
  preferences: Preferences | undefined,
): boolean {
  const settings = withDefaults(preferences);
  return channel === 'push' ? allowsPush(settings, type) : allowsMessage(settings, type, channel);
}
