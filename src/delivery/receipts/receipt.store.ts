import { Injectable } from '@nestjs/common';
import { devicesOf } from '../../devices/device.fragments.js';
import { epochOf, findEvents } from '../../mailbox/mailbox.fragments.js';
import { Database } from '../../platform/postgres/database.js';
import { statement } from '../../platform/postgres/statement.js';
import {
  type EventQuery,
  type EventReceipts,
  type PlacedEvent,
  RECEIPT_STATES,
  type ReceiptState,
} from './receipt.js';

const RECORD = statement('record-receipts.sql', import.meta.url);
const FIND = statement('find-events.sql', import.meta.url, {
  mailboxEvents: findEvents({ userId: '$1', deviceId: '$2', offsets: '$3', ids: '$4' }),
  epoch: epochOf('$1'),
});
const OUTCOMES = statement('read-outcomes.sql', import.meta.url, { devices: devicesOf('i."userId"') });

/** An event that was published. */
export interface PublishedEvent {
  readonly userId: string;
  readonly id: string;
  readonly offset?: number | undefined;
  readonly target?: string | undefined;
}

/** What became of an event on one device. */
export interface DeviceOutcome {
  readonly deviceId: string;
  readonly state: 'asleep' | ReceiptState;
}

@Injectable()
export class ReceiptStore {
  constructor(private readonly database: Database) {}

  /** Each event at most once. */
  async record(receipts: readonly EventReceipts[]): Promise<void> {
    const rows = receipts.map(({ userId, event: { id, type, epoch, offset }, devices }) => ({
      userId,
      id,
      type,
      epoch,
      offset,
      devices,
    }));
    await this.database.run('important', RECORD, [JSON.stringify(rows), new Date()]);
  }

  /** Those of the named events that are in the mailbox or have a receipt of the device. */
  find({ userId, deviceId, offsets, ids }: EventQuery): Promise<PlacedEvent[]> {
    return this.database.run('important', FIND, [userId, deviceId, offsets, ids]);
  }

  /** For each event its devices, in the order of their ids; none for routine events. */
  async outcomes(events: readonly PublishedEvent[]): Promise<DeviceOutcome[][]> {
    const input = events.flatMap(({ userId, id, offset, target }, n) =>
      offset === undefined ? [] : [{ n, userId, eventId: id, target }],
    );
    type Row = { n: number; deviceId: string; state: number };
    const rows = await this.database.run<Row>('important', OUTCOMES, [JSON.stringify(input)]);
    const outcomes: DeviceOutcome[][] = events.map(() => []);
    for (const { n, deviceId, state } of rows)
      outcomes[n]?.push({ deviceId, state: RECEIPT_STATES[state - 1] ?? 'asleep' });
    return outcomes;
  }
}
