import { Topic } from '../platform/events/topic.js';

/** Identifies a device. Another user may have one with the same id. */
export interface DeviceRef {
  readonly userId: string;
  readonly deviceId: string;
}

/** A push address that its provider no longer accepts; `since` when, if the provider reports it. */
export interface DeadAddress extends DeviceRef {
  readonly address: string;
  readonly since: Date | undefined;
}

/** Returns what identifies the device in a map or set: a device id is unique only among its user's devices. Ids have no slashes. */
export const deviceKey = ({ userId, deviceId }: DeviceRef): string => `${userId}/${deviceId}`;

/** Whether a statement that locks both devices locks `a` first: the order of PostgreSQL's collation "C". Ids are ASCII. */
export const isBefore = (a: DeviceRef, b: DeviceRef): boolean =>
  a.userId < b.userId || (a.userId === b.userId && a.deviceId < b.deviceId);

/** The user no longer has this device. Listeners disconnect it and stop its streams. */
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
