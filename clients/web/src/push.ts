import type { WebPushAddress } from './device-update.js';
import { UsherError } from './errors.js';
import { isRecord } from './validation.js';

/** What is used of a ServiceWorkerRegistration. */
export interface PushRegistration {
  readonly pushManager: PushManager;
}
interface PushManager {
  subscribe(options: { userVisibleOnly: boolean; applicationServerKey: string }): Promise<PushSubscription>;
  getSubscription(): Promise<PushSubscription | null>;
}
interface PushSubscription {
  toJSON(): { endpoint?: string; keys?: Record<string, string> };
  unsubscribe(): Promise<boolean>;
}
interface Browser {
  readonly Notification?: { requestPermission(): Promise<string> };
}

/** How long the browser's push service may take. */
const SUBSCRIBE_TIMEOUT_MS = 20_000;

/**
 * Subscribes this browser to Web Push, or returns the subscription that it has, as an address for `updateDevice({ push })`. Asks the
 * person for permission, so call it after a click.
 *
 * @param vapidPublicKey the operator's VAPID_PUBLIC_KEY, base64url
 * Rejects with {@link UsherError}: `push_denied` if the person said no, `push_unavailable` if the browser cannot, `timeout`.
 */
export async function subscribeToPush(
  registration: PushRegistration,
  vapidPublicKey: string,
): Promise<WebPushAddress> {
  const { Notification } = globalThis as unknown as Browser;
  if ((await Notification?.requestPermission()) !== 'granted')
    throw new UsherError('push_denied', 'notifications are not allowed', false);
  const { endpoint, keys } = (await inTime(subscribe(registration.pushManager, vapidPublicKey))).toJSON();
  const { p256dh, auth } = keys ?? {};
  if (!endpoint || !p256dh || !auth)
    throw new UsherError('push_unavailable', 'the subscription has no keys', true);
  return { kind: 'webpush', address: endpoint, keys: { p256dh, auth } };
}

async function subscribe(manager: PushManager, vapidPublicKey: string): Promise<PushSubscription> {
  const options = { userVisibleOnly: true, applicationServerKey: vapidPublicKey };
  try {
    return await manager.subscribe(options);
  } catch (error) {
    // A subscription with another key, from before the operator changed it, is in the way. Any other error is of the push
    // service or of the network, and the subscription that there is goes on receiving.
    const old = isInvalidState(error) ? await manager.getSubscription() : null;
    if (!(await old?.unsubscribe())) throw toUnavailable(error);
    return manager.subscribe(options).catch((again: unknown) => Promise.reject(toUnavailable(again)));
  }
}

function isInvalidState(error: unknown): boolean {
  return isRecord(error) && error['name'] === 'InvalidStateError';
}

function toUnavailable(error: unknown): UsherError {
  return new UsherError('push_unavailable', String(error), true);
}

function inTime<Value>(promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new UsherError('timeout', 'the push service did not respond', true));
    const timer = setTimeout(late, SUBSCRIBE_TIMEOUT_MS);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
