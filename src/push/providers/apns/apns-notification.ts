import { createHash } from 'node:crypto';
import { Notification, type NotificationOptions, Priority, PushType } from 'apns2';
import { certainlyFits, type PushMessage } from '../push-message.js';
import { rejected, type SendResult } from '../../../platform/sending/send-result.js';

/** Apple's limits, in bytes. */
const MAX_PAYLOAD = 4_096;
const MAX_COLLAPSE_ID = 64;

/**
 * Encodes a message for APNs, or returns `rejected` when it cannot be sent. A background push has priority 5 and neither alert, badge nor
 * sound: otherwise APNs refuses it, or iOS does not wake the app.
 */
export function toApnsNotification(message: PushMessage): Notification | SendResult {
  if ('aps' in message.data) return rejected('reserved_key');
  const notification = new Notification(message.to.address, toOptions(message));
  if (certainlyFits(message, MAX_PAYLOAD)) return notification;
  const bytes = Buffer.byteLength(JSON.stringify(notification.buildApnsOptions()));
  return bytes > MAX_PAYLOAD ? rejected('PayloadTooLarge') : notification;
}

function toOptions(message: PushMessage): NotificationOptions {
  const options = presentation(message);
  options.data = message.data;
  if (message.collapseId !== undefined) options.collapseId = toCollapseId(message.collapseId);
  if (message.expiresAt) options.expiration = Math.floor(message.expiresAt.getTime() / 1_000);
  return options;
}

function presentation({ show, urgency, badge }: PushMessage): NotificationOptions {
  if (show === 'background')
    return { type: PushType.background, priority: Priority.throttled, contentAvailable: true };
  const isUrgent = urgency === 'high';
  const options: NotificationOptions = {
    type: PushType.alert,
    priority: isUrgent ? Priority.immediate : Priority.throttled,
    alert: { title: show.title, body: show.body },
  };
  if (isUrgent) options.sound = 'default';
  if (badge !== undefined) options.badge = badge;
  return options;
}

/** An id that is too long or not ASCII is replaced by its hash: equal ids stay equal. */
function toCollapseId(id: string): string {
  const isValid = Buffer.byteLength(id) <= MAX_COLLAPSE_ID && /^[\x21-\x7e]+$/.test(id);
  return isValid ? id : createHash('sha256').update(id).digest('base64url');
}
