import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { UnsubscribedMessage } from '../message.js';

const FIND = named(
  'message-counted',
  `SELECT m.id, m.user_id AS "userId", m.channel, m.created_at::date::text AS day, m.tracking FROM message m
   WHERE m.id = $1 AND m.tracking IS NOT NULL`,
);

/** Messages of which it is counted what people do with them. */
@Injectable()
export class CountedMessageStore {
  constructor(private readonly database: Database) {}

  /** Undefined when it is not counted, or removed since. */
  async find(id: string): Promise<UnsubscribedMessage | undefined> {
    return (await this.database.run<UnsubscribedMessage>('routine', FIND, [id]))[0];
  }
}
