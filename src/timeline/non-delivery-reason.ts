import { RECEIPT_STATES, type ReceiptState } from '../delivery/receipts/receipt.js';

/** What is known of an event's delivery to one device of its user. */
export interface DeviceDelivery {
  readonly deviceId: string;
  /** The rank of the receipt (receipt.ts); 0 when there is none. */
  readonly state: number;
  readonly sentAt: string | null;
  readonly receivedAt: string | null;
  readonly appliedAt: string | null;
  readonly seenAt: string | null;
  /** Null when the device has been removed since. */
  readonly registeredAt: string | null;
  /** The push notification that was sent because the device was not connected, and its outcome. */
  readonly push: object | null;
}

/** The part of an event that decides whether a device should have got it. */
export interface TimelineEvent {
  readonly at: string;
  readonly target: string | null;
  readonly expiresAt: string | null;
  readonly superseded: boolean;
}

/** Why a device has no receipt `received`. Each reason is a fact that the timeline's reader can check. */
export const NON_DELIVERY_REASONS = [
  'not_for_this_device',
  'not_acknowledged',
  'superseded',
  'expired',
  'registered_later',
  'not_told',
] as const;
/** See NON_DELIVERY_REASONS. */
export type NonDeliveryReason = (typeof NON_DELIVERY_REASONS)[number];

/** The name of a receipt's rank; `none` for 0. */
export const stateOf = (rank: number): ReceiptState | 'none' => RECEIPT_STATES[rank - 1] ?? 'none';

/**
 * Returns the first reason that applies, the most certain first; undefined for a device that got the event. `not_told`:
 * the device is not connected, or the event was sent so recently that its acknowledgement may still come.
 */
export function nonDeliveryReason(
  event: TimelineEvent,
  device: DeviceDelivery,
  now: string,
): NonDeliveryReason | undefined {
  if (device.state >= 2) return undefined;
  if (event.target !== null && event.target !== device.deviceId) return 'not_for_this_device';
  if (device.state === 1) return 'not_acknowledged';
  if (event.superseded) return 'superseded';
  if (event.expiresAt !== null && event.expiresAt <= now) return 'expired';
  if (device.registeredAt !== null && device.registeredAt > event.at) return 'registered_later';
  return 'not_told';
}
