import { Topic } from '../../platform/events/topic.js';

/** How far one event got on one device, in order: a receipt only moves forward (docs/CONTRACT.md, From the device). */
export const RECEIPT_STATES = ['sent', 'received', 'applied', 'seen'] as const;
/** One of RECEIPT_STATES. */
export type ReceiptState = (typeof RECEIPT_STATES)[number];

/** A person saw these events on this device. */
export interface SeenEvents {
  readonly userId: string;
  readonly deviceId: string;
  readonly eventIds: readonly string[];
}
/** A receipt `seen` came in and was recorded. */
export const eventsSeen = new Topic<SeenEvents>('delivery.events_seen');

/** Returns the state as it is stored: 1 to 4, in the order of RECEIPT_STATES. */
export const rankOf = (state: ReceiptState): number => RECEIPT_STATES.indexOf(state) + 1;

/** Identifies a durable event: by id, and by its position in the mailbox of its user. */
export interface DurableEventRef {
  readonly id: string;
  readonly type: string;
  readonly epoch: string;
  readonly offset: number;
}

/** The events that a device names in a receipt: by offset (in the mailbox's epoch) or by id. */
export interface EventQuery {
  readonly userId: string;
  readonly deviceId: string;
  readonly offsets: readonly number[];
  readonly ids: readonly string[];
}

/** One step of one event on one device, as it is reported. */
export interface Receipt {
  readonly userId: string;
  readonly deviceId: string;
  readonly event: DurableEventRef;
  readonly state: ReceiptState;
}

/** The receipts of one event: each device once, with the rank of the furthest state that was reported. */
export interface EventReceipts {
  readonly userId: string;
  readonly event: DurableEventRef;
  readonly devices: [deviceId: string, rank: number][];
}

/**
 * Returns the receipts grouped by event, each device once: a statement must not write the same row twice. The devices of one event
 * acknowledge at about the same time, so a group mostly has all of them.
 */
export function groupByEvent(receipts: readonly Receipt[]): EventReceipts[] {
  const groups = new Map<string, EventReceipts>();
  for (const { userId, deviceId, event, state } of receipts) {
    let group = groups.get(event.id);
    if (!group) groups.set(event.id, (group = { userId, event, devices: [] }));
    const device = group.devices.find(([id]) => id === deviceId);
    if (!device) group.devices.push([deviceId, rankOf(state)]);
    else device[1] = Math.max(device[1], rankOf(state));
  }
  return [...groups.values()];
}

/**
 * Finds events that were sent to devices otherwise than by a connection: a push may show an event that a newer one has replaced in the
 * mailbox since, and the device may still report it. Implemented by push, which delivery must not import; bound in app.module.ts.
 */
export interface SentEventLookup {
  /** Returns those of the events that were sent to this device. */
  findSent(query: EventQuery): Promise<DurableEventRef[]>;
}

/** Injection token of SentEventLookup. */
export const SENT_EVENT_LOOKUP = Symbol('SENT_EVENT_LOOKUP');
