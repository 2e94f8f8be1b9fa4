import { Injectable } from '@nestjs/common';
import { Database } from '../platform/postgres/database.js';
import { statement } from '../platform/postgres/statement.js';
import { rankOf, type Receipt } from './receipt.js';

const RECORD = statement('receipts.sql', import.meta.url);
const EVENTS = statement('receipt-events.sql', import.meta.url);

export interface MeantEvent {
  readonly epoch: string;
  readonly offset: number;
  readonly eventId: string;
  readonly type: string;
}

@Injectable()
export class ReceiptStore {
  constructor(private readonly database: Database) {}

  /** Each event and device at most once. */
  async record(receipts: readonly Receipt[]): Promise<void> {
    const rows = receipts.map((receipt) => ({ ...receipt, state: rankOf(receipt.state) }));
    await this.database.run('important', RECORD, [JSON.stringify(rows)]);
  }

  /** The events of the user that the device means; what it does not have is left out. */
  events(
    of: { userId: string; deviceId: string },
    meant: { offsets: number[]; ids: string[] },
  ): Promise<MeantEvent[]> {
    return this.database.run('important', EVENTS, [of.userId, of.deviceId, meant.offsets, meant.ids]);
  }
}
