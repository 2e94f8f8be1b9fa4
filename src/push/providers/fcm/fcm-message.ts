import type { AndroidConfig, ApnsConfig, Message } from 'firebase-admin/messaging';
import { certainlyFits } from '../../content/payload-size.js';
import type { PushMessage, SendResult } from '../push-provider.js';

/** FCM's limit for what is shown and the data together, in bytes. */
const MAX_PAYLOAD = 4_096;
/** FCM keeps a message four weeks at most. */
const MAX_TTL_MS = 28 * 86_400_000;

/** A message in FCM's words, for Android and for iOS behind FCM. What cannot be sent is `sender_fault`. */
export function toFcmMessage(message: PushMessage, now: number): Message | SendResult {
  const { show, data, to } = message;
  const notification = show === 'background' ? undefined : { title: show.title, body: show.body };
  const content = { ...(notification && { notification }), data: { ...data } };
  if (!certainlyFits(message, MAX_PAYLOAD) && Buffer.byteLength(JSON.stringify(content)) > MAX_PAYLOAD)
    return { is: 'sender_fault', reason: 'payload_too_large' };
  const target = to.kind === 'fcm_fid' ? { fid: to.address } : { token: to.address };
  return { ...target, ...content, android: androidOf(message, now), apns: apnsOf(message) };
}

/** `tag` replaces what is shown already, `collapseKey` what still waits at FCM (four keys a device). */
function androidOf({ show, urgency, collapseId, expiresAt, badge }: PushMessage, now: number): AndroidConfig {
  const ttl = expiresAt && Math.min(Math.max(expiresAt.getTime() - now, 0), MAX_TTL_MS);
  const shown = {
    ...(collapseId !== undefined && { tag: collapseId }),
    ...(badge !== undefined && { notificationCount: badge }),
  };
  return {
    priority: urgency,
    ...(collapseId !== undefined && { collapseKey: collapseId }),
    ...(ttl !== undefined && { ttl }),
    ...(show !== 'background' && { notification: shown }),
  };
}

function apnsOf({ show, urgency, collapseId, expiresAt, badge }: PushMessage): ApnsConfig {
  const isShown = show !== 'background';
  const headers = {
    'apns-priority': isShown && urgency === 'high' ? '10' : '5',
    'apns-push-type': isShown ? 'alert' : 'background',
    ...(collapseId !== undefined && { 'apns-collapse-id': collapseId }),
    ...(expiresAt && { 'apns-expiration': String(Math.floor(expiresAt.getTime() / 1_000)) }),
  };
  const aps = isShown ? { ...(badge !== undefined && { badge }) } : { contentAvailable: true };
  return { headers, payload: { aps } };
}
