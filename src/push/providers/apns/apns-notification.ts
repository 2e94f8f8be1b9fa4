import { createHash } from 'node:crypto';
import { Notification, type NotificationOptions, Priority, PushType } from 'apns2';
import { certainlyFits } from '../../content/payload-size.js';
import type { PushMessage, SendResult } from '../push-provider.js';

/** Apple's limits, in bytes. */
const MAX_PAYLOAD = 4_096;
const MAX_COLLAPSE_ID = 64;

/**
 * A message in Apple's words. A background push has priority 5 and neither alert, badge nor sound: APNs refuses it else, or iOS does
 * not wake the app. What cannot be sent is `sender_fault`.
 */
export function toApnsNotification(message: PushMessage): Notification | SendResult {
  if ('aps' in message.data) return { is: 'sender_fault', reason: 'reserved_key' };
  const notification = new Notification(message.to.address, {
    ...shown(message),
    data: message.data,
    ...(message.collapseId !== undefined && { collapseId: collapseIdOf(message.collapseId) }),
    ...(message.expiresAt && { expiration: Math.floor(message.expiresAt.getTime() / 1_000) }),
  });
  if (certainlyFits(message, MAX_PAYLOAD)) return notification;
  const bytes = Buffer.byteLength(JSON.stringify(notification.buildApnsOptions()));
  return bytes > MAX_PAYLOAD ? { is: 'sender_fault', reason: 'PayloadTooLarge' } : notification;
}

function shown({ show, urgency, badge }: PushMessage): NotificationOptions {
  if (show === 'background')
    return { type: PushType.background, priority: Priority.throttled, contentAvailable: true };
  return {
    type: PushType.alert,
    priority: urgency === 'high' ? Priority.immediate : Priority.throttled,
    alert: { title: show.title, body: show.body },
    ...(urgency === 'high' && { sound: 'default' }),
    ...(badge !== undefined && { badge }),
  };
}

/** Whatever is too long, or no ASCII, is replaced by its hash: equal ids stay equal. */
function collapseIdOf(id: string): string {
  const isFit = Buffer.byteLength(id) <= MAX_COLLAPSE_ID && /^[\x21-\x7e]+$/.test(id);
  return isFit ? id : createHash('sha256').update(id).digest('base64url');
}
