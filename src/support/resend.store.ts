import { Injectable } from '@nestjs/common';
import { receiptsOf } from '../delivery/receipts/receipt.fragments.js';
import { devicesOf } from '../devices/device.fragments.js';
import { type DurableEnvelope, entryToEnvelope, type StoredEntry } from '../mailbox/events/event.js';
import { hasEvent, MailboxFragments } from '../mailbox/mailbox.fragments.js';
import { Database, type Statement } from '../platform/postgres/database.js';
import { named } from '../platform/postgres/statement.js';

/** An event of a user, and how far it got on each device. */
export interface ResendableEvent {
  /** Undefined once it was superseded or has expired. */
  readonly event: DurableEnvelope | undefined;
  /** Whether it was ever the user's, as far as is kept. */
  readonly isKnown: boolean;
  /** `state`: the rank of the receipt (delivery/receipts/receipt.ts), 0 without one. */
  readonly devices: readonly { readonly deviceId: string; readonly state: number }[];
}

/** Reads what is needed to resend an event, through the fragments of its folders; writes nothing. */
@Injectable()
export class ResendStore {
  private readonly readStatement: Statement;

  constructor(
    private readonly database: Database,
    mailbox: MailboxFragments,
  ) {
    this.readStatement = named(
      'resend-read',
      `SELECT ${mailbox.entryWithId({ userId: '$1', id: '$2::uuid' })} AS found,
         ${hasEvent({ userId: '$1', id: '$2::uuid' })} AS "isKnown",
         (SELECT coalesce(json_agg(json_build_object('deviceId', d.device_id, 'state', coalesce(r.state, 0)) ORDER BY d.device_id), '[]')
          FROM (${devicesOf('$1')}) d
          LEFT JOIN (${receiptsOf({ userId: '$1', eventId: '$2::uuid' })}) r ON r.device_id = d.device_id) AS devices`,
    );
  }

  async read(userId: string, eventId: string): Promise<ResendableEvent> {
    type Row = Omit<ResendableEvent, 'event'> & { found: { entry: StoredEntry; epoch: string } | null };
    const [row] = await this.database.run<Row>('important', this.readStatement, [userId, eventId]);
    if (!row) throw new Error('the query returns one row');
    const { found, ...rest } = row;
    return { ...rest, event: found ? entryToEnvelope(found.entry, found.epoch) : undefined };
  }
}
