import { Injectable } from '@nestjs/common';
import { devicesOf } from '../../devices/device.fragments.js';
import { epochOf, findEvents, findPastEvents } from '../../mailbox/mailbox.fragments.js';
import { Database } from '../../platform/postgres/database.js';
import { named, statement } from '../../platform/postgres/statement.js';
import {
  type DurableEventRef,
  type EventQuery,
  type EventReceipts,
  RECEIPT_STATES,
  type ReceiptState,
} from './receipt.js';

const RECORD = statement('record-receipts.sql', import.meta.url);
const NAMED = { userId: '$1', deviceId: '$2', offsets: '$3::bigint[]', ids: '$4::uuid[]' };
const FIND = statement('find-events.sql', import.meta.url, {
  mailboxEvents: findEvents(NAMED),
  epoch: epochOf('$1'),
});
const FIND_PAST = named('find-past-events', findPastEvents(NAMED));
const OUTCOMES = statement('read-outcomes.sql', import.meta.url, { devices: devicesOf('i."userId"') });

/** An event that was published; a routine one has no offset. */
export interface PublishedEvent {
  readonly userId: string;
  readonly id: string;
  readonly offset?: number | undefined;
  readonly target?: string | undefined;
}

/** How far an event got on one device; `asleep`: it was sent to no connection of the device. */
export interface DeviceOutcome {
  readonly deviceId: string;
  readonly state: 'asleep' | ReceiptState;
}

/** How far events got on devices. */
@Injectable()
export class ReceiptStore {
  constructor(private readonly database: Database) {}

  /** Records receipts; each event must occur at most once (groupByEvent). Steps that are known already change nothing. */
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

  /** Returns those of the events that are in the mailbox or have a receipt of the device. */
  find({ userId, deviceId, offsets, ids }: EventQuery): Promise<DurableEventRef[]> {
    return this.database.run('important', FIND, [userId, deviceId, offsets, ids]);
  }

  /** Returns those of the events that left the mailbox: superseded or expired ones. With ids it reads all that is kept of the user's. */
  findPast({ userId, deviceId, offsets, ids }: EventQuery): Promise<DurableEventRef[]> {
    return this.database.run('important', FIND_PAST, [userId, deviceId, offsets, ids]);
  }

  /** Returns for each event the outcome on its devices, in the order of their ids; an empty list for routine events. */
  async readOutcomes(events: readonly PublishedEvent[]): Promise<DeviceOutcome[][]> {
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
