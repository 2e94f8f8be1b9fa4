import { RECEIPT_STATES, type ReceiptState } from '../delivery/receipts/receipt.js';

/** What became of the push notification of an event to a device (push/queue/push.fragments.ts). */
export interface PushOutcome {
  /** The push provider. */
  readonly vendor: string;
  /** Of the table push: `sent` is also one that is being sent. */
  readonly state: string;
  readonly reason: string | null;
  /** How often it was sent to the provider. */
  readonly attempts: number;
  readonly queuedAt: string;
  /** When it is tried again, or decided again; of one that is settled, when that was. */
  readonly dueAt: string;
  readonly settledAt: string | null;
  /** Since when pushes like this one are paused; null when they are not. */
  readonly pausedAt: string | null;
}

/** What is known of an event's delivery to one device of its user. */
export interface DeviceDelivery {
  readonly deviceId: string;
  /** The rank of the receipt (receipt.ts); 0 when there is none. */
  readonly state: number;
  readonly sentAt: string | null;
  readonly receivedAt: string | null;
  readonly appliedAt: string | null;
  readonly seenAt: string | null;
  /** Null, as the three below, when the device has been removed since, or never was this user's. */
  readonly registeredAt: string | null;
  readonly lastSeenAt: string | null;
  /** The kind of its push address; null without one. */
  readonly pushKind: string | null;
  /** Whether it was not seen for STALE_AFTER_DAYS. */
  readonly isStale: boolean;
  /** The push notification that was queued because the device was not connected, and its outcome. */
  readonly push: PushOutcome | null;
}

/** The part of an event that decides whether a device should have got it. */
export interface TimelineEvent {
  readonly at: string;
  /** Null when only receipts are left of it. */
  readonly tier: string | null;
  readonly type: string;
  readonly key: string | null;
  readonly target: string | null;
  readonly expiresAt: string | null;
  readonly superseded: boolean;
  /** The id of the event that did; null when it is not known. */
  readonly supersededBy: string | null;
  /** Whether the user's preferences allow pushes of its type. */
  readonly isPushAllowed: boolean;
  /** Whether events of its type are pushed at all. */
  readonly isPushedType: boolean;
}

/** Why a device has no receipt `received`. Each reason is a fact that the timeline's reader can check. */
export const NON_DELIVERY_REASONS = [
  'not_a_device_of_the_user',
  'not_for_this_device',
  'not_acknowledged',
  'superseded',
  'expired',
  'registered_later',
  'push_paused',
  'preference',
  'quiet_hours',
  'playing',
  'seen_elsewhere',
  'stale_device',
  'no_address',
  'address_gone',
  'address_moved',
  'device_budget',
  'circuit_open',
  'push_failing',
  'push_failed',
  'push_expired',
  'push_waiting',
  'pushed',
  'not_told',
] as const;
/** See NON_DELIVERY_REASONS. */
export type NonDeliveryReason = (typeof NON_DELIVERY_REASONS)[number];

/** The name of a receipt's rank; `none` for 0. */
export const stateOf = (rank: number): ReceiptState | 'none' => RECEIPT_STATES[rank - 1] ?? 'none';

/**
 * Returns the first reason that applies, the most certain first; undefined for a device that got the event. What its push came to is
 * the reason only where nothing else is: the device is not connected then. `not_told`: it is not connected and not pushed either, or the
 * event was sent so recently that its acknowledgement may still come.
 */
export function nonDeliveryReason(
  event: TimelineEvent,
  device: DeviceDelivery,
  now: string,
): NonDeliveryReason | undefined {
  if (device.state >= 2) return undefined;
  // One that was removed, and had not got it, is not among an event's devices.
  if (device.state === 0 && device.registeredAt === null) return 'not_a_device_of_the_user';
  if (event.target !== null && event.target !== device.deviceId) return 'not_for_this_device';
  if (device.state === 1) return 'not_acknowledged';
  if (event.superseded) return 'superseded';
  if (event.expiresAt !== null && event.expiresAt <= now) return 'expired';
  if (device.registeredAt !== null && device.registeredAt > event.at) return 'registered_later';
  return device.push ? reasonOfPush(device.push) : reasonWithoutPush(event, device);
}

/** Reasons of a push that say all by themselves, whatever its state. */
const OF_PUSH: ReadonlySet<string> = new Set<NonDeliveryReason>([
  'preference',
  'quiet_hours',
  'playing',
  'seen_elsewhere',
  'stale_device',
  'no_address',
  'address_moved',
  'device_budget',
  'circuit_open',
]);
const BY_STATE: Readonly<Record<string, NonDeliveryReason>> = {
  delivered: 'pushed',
  cleared: 'pushed',
  gone: 'address_gone',
  failed: 'push_failed',
  expired: 'push_expired',
};

function reasonOfPush({ state, reason, pausedAt }: PushOutcome): NonDeliveryReason {
  const isOpen = state === 'queued' || state === 'sent';
  if (isOpen && pausedAt !== null) return 'push_paused';
  if (reason === 'device_changed') return 'no_address';
  if (reason !== null && OF_PUSH.has(reason)) return reason as NonDeliveryReason;
  if (isOpen) return reason === null ? 'push_waiting' : 'push_failing';
  return BY_STATE[state] ?? 'not_told';
}

/** Why nothing was queued: enqueue-pushes.sql has the same conditions. */
function reasonWithoutPush(event: TimelineEvent, { pushKind, isStale }: DeviceDelivery): NonDeliveryReason {
  if (pushKind === null || event.tier !== 'important' || !event.isPushedType) return 'not_told';
  if (isStale) return 'stale_device';
  return event.isPushAllowed ? 'not_told' : 'preference';
}
