import { Topic } from '../platform/events/topic.js';

/** Identifies a device of a user. */
export interface DeviceRef {
  readonly userId: string;
  readonly deviceId: string;
}

/** The user no longer has this device: it was removed, or moved to another user. Listeners disconnect it and stop its streams. */
export const deviceRemoved = new Topic<DeviceRef>('devices.removed');

/** Devices of one user, more than a household has. One more evicts the device that was not seen for the longest time. */
export const MAX_DEVICES = 50;
/**
 * A device that was not seen for this long is probably out of use, and is pushed only what is critical: FCM calls a token stale after a
 * month (firebase.google.com/docs/cloud-messaging/manage-tokens).
 */
export const STALE_AFTER_DAYS = 30;
/** A device that was not seen for this long is removed: FCM expires a token after 270 days without a connection (same page). */
export const RETIRED_AFTER_DAYS = 270;
