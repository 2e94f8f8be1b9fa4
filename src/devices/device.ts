import { Topic } from '../platform/events/topic.js';

/** A user's device. */
export interface DeviceRef {
  readonly userId: string;
  readonly deviceId: string;
}

/** A user has this device no longer: it was removed, or moved to another user. Listeners end what is live of it. */
export const deviceRemoved = new Topic<DeviceRef>('devices.removed');

/** A user's devices beyond this are not a household's: the one that was not seen for longest gives way. */
export const MAX_DEVICES = 50;
/**
 * Not seen for so long, a device is probably out of use: FCM calls a token stale after a month
 * (firebase.google.com/docs/cloud-messaging/manage-tokens). It is told only what is critical.
 */
export const STALE_AFTER_DAYS = 30;
/** As FCM itself, which lets a token expire after 270 days without a connection (same page). */
export const RETIRED_AFTER_DAYS = 270;
