import { createHash } from 'node:crypto';
import type { PushAddress } from '../../devices/push-address.schema.js';
import type { PushMessage } from '../providers/push-message.js';
import type { Push } from '../queue/push.js';
import type { NotificationText } from '../../templates/template.js';

/**
 * The newest push of one user's events with the same key replaces the older ones on a device. 32 characters of base64url: that is what
 * Web Push's Topic takes (RFC 8030); APNs would take 64 bytes.
 */
const collapseIdOf = ({ userId, key }: Pick<Push, 'userId' | 'key'>): string =>
  createHash('sha256').update(`${userId}\n${key}`).digest('base64url').slice(0, 32);

/**
 * Returns the message of a push. It carries ids, so that the app can fetch the event, report that it was seen, or clear it. Without `words`
 * it wakes the app silently.
 */
export function renderPush(push: Push, to: PushAddress, words: NotificationText | undefined): PushMessage {
  const { eventId: id, type, userId, expiresAt } = push;
  const collapseId = collapseIdOf(push);
  if (push.action === 'clear') {
    const data = { id, type, userId, collapseId, clear: id };
    return { to, show: 'background', data, urgency: 'normal', expiresAt, badge: push.unseen };
  }
  return {
    to,
    show: words ?? 'background',
    data: { id, type, userId, collapseId, epoch: push.epoch, offset: String(push.offset) },
    collapseId,
    urgency: push.tier === 'critical' ? 'high' : 'normal',
    expiresAt,
    badge: words === undefined ? undefined : push.unseen + 1,
  };
}
