import { certainlyFits, type PushMessage } from '../push-message.js';
import { rejected, type SendResult } from '../../../platform/sending/send-result.js';

/** FCM's limit for notification and data together, in bytes. */
const MAX_PAYLOAD = 4_096;
/** FCM keeps a message four weeks at most. */
const MAX_TTL_MS = 28 * 86_400_000;

/** What is sent of FCM's `Message` (firebase.google.com/docs/reference/fcm/rest/v1/projects.messages), as JSON: what is undefined is left out. */
export interface FcmMessage {
  readonly token: string | undefined;
  readonly fid: string | undefined;
  readonly notification: { readonly title: string; readonly body: string } | undefined;
  readonly data: Readonly<Record<string, string>>;
  readonly android: AndroidConfig;
  readonly apns: ApnsConfig;
}

interface AndroidConfig {
  readonly priority: 'high' | 'normal';
  readonly collapse_key: string | undefined;
  /** In seconds, as `3.5s`. */
  readonly ttl: string | undefined;
  readonly notification:
    { readonly tag: string | undefined; readonly notification_count: number | undefined } | undefined;
}

interface ApnsConfig {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly payload: {
    readonly aps: { readonly badge: number | undefined } | { readonly 'content-available': 1 };
  };
}

/**
 * Encodes a message for FCM, for Android and for iOS behind FCM, or returns `rejected` when it cannot be sent.
 *
 * @param now Unix time in milliseconds
 */
export function toFcmMessage(message: PushMessage, now: number): FcmMessage | SendResult {
  const { show, data, to } = message;
  const notification = show === 'background' ? undefined : { title: show.title, body: show.body };
  if (
    !certainlyFits(message, MAX_PAYLOAD) &&
    Buffer.byteLength(JSON.stringify({ notification, data })) > MAX_PAYLOAD
  )
    return rejected('payload_too_large');
  const isFid = to.kind === 'fcm_fid';
  return {
    token: isFid ? undefined : to.address,
    fid: isFid ? to.address : undefined,
    notification,
    data,
    android: toAndroidConfig(message, now),
    apns: toApnsConfig(message),
  };
}

/** `tag` replaces a notification on the screen, `collapse_key` a message that FCM still holds (four keys per device). */
function toAndroidConfig(
  { show, urgency, collapseId, expiresAt, badge }: PushMessage,
  now: number,
): AndroidConfig {
  const ttl = expiresAt && Math.min(Math.max(expiresAt.getTime() - now, 0), MAX_TTL_MS);
  return {
    priority: urgency,
    collapse_key: collapseId,
    ttl: ttl === undefined ? undefined : `${ttl / 1_000}s`,
    notification: show === 'background' ? undefined : { tag: collapseId, notification_count: badge },
  };
}

function toApnsConfig({ show, urgency, collapseId, expiresAt, badge }: PushMessage): ApnsConfig {
  const isAlert = show !== 'background';
  const headers = {
    'apns-priority': isAlert && urgency === 'high' ? '10' : '5',
    'apns-push-type': isAlert ? 'alert' : 'background',
    'apns-collapse-id': collapseId,
    'apns-expiration': expiresAt && String(Math.floor(expiresAt.getTime() / 1_000)),
  };
  return { headers, payload: { aps: isAlert ? { badge } : { 'content-available': 1 } } };
}
