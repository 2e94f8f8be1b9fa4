import type { OutgoingMessage } from './outbox.js';

/** A browser's subscription to Web Push, as the server takes it. */
export interface WebPushAddress {
  readonly kind: 'webpush';
  readonly address: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

/** An address as Apple or Google issued it. */
export interface TokenAddress {
  readonly kind: 'apns' | 'fcm_token' | 'fcm_fid';
  readonly address: string;
}

/** What changes of a device: what is left out stays. `push: null` removes the address. */
export interface DeviceUpdate {
  readonly name?: string;
  readonly appVersion?: string;
  /** A name of the IANA database, as `Europe/Berlin`. */
  readonly timezone?: string;
  readonly locale?: string;
  readonly push?: WebPushAddress | TokenAddress | null;
}

/** Returns the message that sends this update. Updates that wait are sent as one; of a field the newest counts. */
export function toDeviceMessage(update: DeviceUpdate, order: number): OutgoingMessage {
  const coalesceKey = JSON.stringify(['device', order]);
  return { coalesceKey, name: 'device.update', payload: update, order, merge: mergeUpdates };
}

function mergeUpdates(payload: unknown, other: OutgoingMessage): DeviceUpdate | undefined {
  if (other.merge !== mergeUpdates) return undefined;
  return { ...(payload as DeviceUpdate), ...(other.payload as DeviceUpdate) };
}
