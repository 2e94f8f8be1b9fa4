import type { Envelope } from '../mailbox/events/event.js';
import type { Broadcast } from './broadcast.js';

/** Returns the event that devices are sent. */
export const toEnvelope = (
  { id, type, key, number, at, expiresAt, data }: Broadcast,
  epoch: string,
): Envelope => ({
  id,
  type,
  tier: 'important',
  key: key ?? `event:${id}`,
  broadcast: number,
  epoch,
  at,
  expiresAt,
  data,
});
