import { Topic } from '../../platform/events/topic.js';

/** How far one event got on one device, in order; a receipt only moves forward (CONTRACT §1). */
export const RECEIPT_STATES = ['sent', 'received', 'applied', 'seen'] as const;
export type ReceiptState = (typeof RECEIPT_STATES)[number];

/** Somebody saw these events on this device. */
export interface SeenEvents {
  readonly userId: string;
  readonly deviceId: string;
  readonly eventIds: readonly string[];
}
export const eventsSeen = new Topic<SeenEvents>('delivery.events_seen');

/** As it is stored: 1 to 4. */
export const rankOf = (state: ReceiptState): number => RECEIPT_STATES.indexOf(state) + 1;

/** An event that has a place in its user's mailbox. */
export interface PlacedEvent {
  readonly id: string;
  readonly type: string;
  readonly epoch: string;
  readonly offset: number;
}

/** Events that a device names in a receipt: by their offsets in the present epoch, or by their ids. */
export interface EventQuery {
  readonly userId: string;
  readonly deviceId: string;
  readonly offsets: readonly number[];
  readonly ids: readonly string[];
}

/** One step of one event on one device. */
export interface Receipt {
  readonly userId: string;
  readonly deviceId: string;
  readonly event: PlacedEvent;
  readonly state: ReceiptState;
}

/** What the devices of one user said of one event: each device once, with the rank of the furthest that it got. */
export interface EventReceipts {
  readonly userId: string;
  readonly event: PlacedEvent;
  readonly devices: [deviceId: string, rank: number][];
}

/**
 * Receipts by event: one row must not be written twice in one statement. An event's devices acknowledge at about the same
 * time, so most of what is written is written once for all of them.
 */
export function groupByEvent(receipts: readonly Receipt[]): EventReceipts[] {
  const found = new Map<string, EventReceipts>();
  for (const { userId, deviceId, event, state } of receipts) {
    let of = found.get(event.id);
    if (!of) found.set(event.id, (of = { userId, event, devices: [] }));
    const known = of.devices.find(([id]) => id === deviceId);
    if (!known) of.devices.push([deviceId, rankOf(state)]);
    else known[1] = Math.max(known[1], rankOf(state));
  }
  return [...found.values()];
}
