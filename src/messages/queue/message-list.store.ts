import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';

const FIELDS = `id, channel, later_channels AS "laterChannels", tier, category, subject, state, reason, attempts, provider, parts, price, currency,
  iso(created_at) AS "createdAt", iso(sent_at) AS "sentAt", iso(settled_at) AS "settledAt"`;
const LIST = named(
  'messages-list',
  `SELECT ${FIELDS} FROM message WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2`,
);
const LIST_BEFORE = named(
  'messages-list-before',
  `SELECT ${FIELDS} FROM message WHERE user_id = $1 AND (created_at, id) < ($2::timestamptz, $3)
   ORDER BY created_at DESC, id DESC LIMIT $4`,
);

/** A message in a list, as MessageList describes it. */
export interface ListedMessage extends Record<string, unknown> {
  readonly id: string;
  readonly createdAt: string;
}

/** A place between a user's messages. */
export type MessagePlace = readonly [createdAt: string, id: string];

/** Reads what became of a user's messages. Their texts are not read: one may be a code that only the user should see. */
@Injectable()
export class MessageListStore {
  constructor(private readonly database: Database) {}

  /** Returns at most `limit` of the user's messages, the newest first; only those before the place, if one is given. */
  list(userId: string, before: MessagePlace | undefined, limit: number): Promise<ListedMessage[]> {
    if (before) return this.database.run('important', LIST_BEFORE, [userId, ...before, limit]);
    return this.database.run('important', LIST, [userId, limit]);
  }
}
