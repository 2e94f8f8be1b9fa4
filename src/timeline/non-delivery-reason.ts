import { RECEIPT_STATES, type ReceiptState } from '../delivery/receipts/receipt.js';

/** An event and a device of its user, as the timeline's statement gives them. */
export interface DeviceDelivery {
  readonly deviceId: string;
  /** 0 nothing known, else as in receipt.ts. */
  readonly state: number;
  readonly sentAt: string | null;
  readonly receivedAt: string | null;
  readonly appliedAt: string | null;
  readonly seenAt: string | null;
  /** Null when the device was removed since. */
  readonly registeredAt: string | null;
  /** The notification that it got because it slept, and what became of it. */
  readonly push: object | null;
}

export interface TimelineEvent {
  readonly at: string;
  readonly target: string | null;
  readonly expiresAt: string | null;
  readonly superseded: boolean;
}

/** Why a device has no receipt `received`: each is a fact that somebody can check. */
export const NON_DELIVERY_REASONS = [
  'not_for_this_device',
  'not_acknowledged',
  'superseded',
  'expired',
  'registered_later',
  'not_told',
] as const;
export type NonDeliveryReason = (typeof NON_DELIVERY_REASONS)[number];

export const stateOf = (rank: number): ReceiptState | 'none' => RECEIPT_STATES[rank - 1] ?? 'none';

/**
 * Undefined for a device that got the event. The first that holds, from the surest on. `not_told`: it sleeps, or was told so
 * lately that its acknowledgement may still come.
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
