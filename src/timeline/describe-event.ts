import { findEventType } from '../mailbox/events/event-types.js';
import { explainMessage, type MessageOutcome } from './explanations/explain-message.js';
import { explain } from './explanations/explain-delivery.js';
import {
  type DeviceDelivery,
  nonDeliveryReason,
  stateOf,
  type TimelineEvent,
} from './non-delivery-reason.js';

/** An event of a user with its delivery to each device, as it is stored (event-step.sql). */
export interface KnownEvent extends Omit<TimelineEvent, 'isPushedType'> {
  readonly id: string;
  readonly offset: number;
  readonly devices: readonly DeviceDelivery[];
  /** The text or mail that tells of it; null without one. */
  readonly message: MessageOutcome | null;
}

/** What explanations depend on besides what is stored. */
export interface AsOf {
  /** ISO 8601. */
  readonly now: string;
  /** How long an acknowledgement may take, in milliseconds. */
  readonly ackMs: number;
}

const NOBODY =
  'The user has no device, so nobody could get it. A device registers itself when it first connects: ask the user to sign in on one.';

/** Returns the event as people read it, with a reason and an explanation for each device. */
export function describeEvent({ isPushAllowed, message, ...event }: KnownEvent, asOf: AsOf) {
  const isPushedType = findEventType(event.type)?.push !== false;
  const facts = { ...event, isPushAllowed, isPushedType };
  const devices = event.devices.map((device) => {
    const { deviceId, state, sentAt, receivedAt, appliedAt, seenAt, push } = device;
    const why = nonDeliveryReason(facts, device, asOf.now);
    const explanation = explain({ event: facts, device, why, ...asOf });
    return { deviceId, state: stateOf(state), why, explanation, sentAt, receivedAt, appliedAt, seenAt, push };
  });
  return {
    ...event,
    ...(devices.length === 0 && { explanation: NOBODY }),
    devices,
    message: message && { ...message, explanation: explainMessage(message, asOf.now) },
  };
}

/** Returns the delivery to the device; for one that the user has neither registered nor a receipt of, that nothing is known. */
export const deliveryTo = (deviceId: string, devices: readonly DeviceDelivery[]): DeviceDelivery =>
  devices.find((one) => one.deviceId === deviceId) ?? { ...NOTHING_KNOWN, deviceId };

const NOTHING_KNOWN: Omit<DeviceDelivery, 'deviceId'> = {
  state: 0,
  sentAt: null,
  receivedAt: null,
  appliedAt: null,
  seenAt: null,
  registeredAt: null,
  lastSeenAt: null,
  pushKind: null,
  isStale: false,
  push: null,
};
