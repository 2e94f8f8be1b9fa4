import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';

const ADD = named(
  'inbound-text-add',
  `INSERT INTO inbound_text (provider, provider_id, user_id, keyword, sender, body)
   SELECT $1, $2, u.user_id, $4, $5, $6 FROM unnest($3::text[]) AS u (user_id)
   WHERE NOT EXISTS (SELECT FROM inbound_text t WHERE t.provider = $1 AND t.provider_id = $2)
   ON CONFLICT DO NOTHING
   RETURNING 1`,
);
const FIELDS = `provider, provider_id AS "providerId", user_id AS "userId", keyword, sender, body, iso(received_at) AS "receivedAt"`;
const ORDER = 'ORDER BY received_at DESC, provider DESC, provider_id DESC, user_id DESC';
const LIST = named('inbound-texts', `SELECT ${FIELDS} FROM inbound_text ${ORDER} LIMIT $1`);
const LIST_BEFORE = named(
  'inbound-texts-before',
  `SELECT ${FIELDS} FROM inbound_text
   WHERE (received_at, provider, provider_id, user_id) < ($1::timestamptz, $2, $3, $4) ${ORDER} LIMIT $5`,
);

/** A text that came in, as it is stored: sender and body are encrypted. */
export interface StoredInboundText {
  readonly provider: string;
  readonly providerId: string;
  /** Empty when nobody is known to have the number. */
  readonly userId: string;
  readonly keyword: string | null;
  readonly sender: Uint8Array;
  readonly body: Uint8Array;
  readonly receivedAt: string;
}

/** A place between texts. */
export type InboundPlace = readonly [
  receivedAt: string,
  provider: string,
  providerId: string,
  userId: string,
];

/** Texts that came in: once for each user who has the number, or once for nobody. */
@Injectable()
export class InboundTextStore {
  constructor(private readonly database: Database) {}

  /** Returns whether the text is new: providers send one again until they know that it was stored. */
  async add(
    tx: Transaction,
    text: Omit<StoredInboundText, 'userId' | 'receivedAt'> & { readonly userIds: readonly string[] },
  ): Promise<boolean> {
    const { provider, providerId, userIds, keyword, sender, body } = text;
    const users = userIds.length === 0 ? [''] : userIds;
    return (await tx.run(ADD, [provider, providerId, users, keyword, sender, body])).length > 0;
  }

  /** Returns at most `limit` texts, the newest first; only those before the place, if one is given. */
  list(before: InboundPlace | undefined, limit: number): Promise<StoredInboundText[]> {
    if (before) return this.database.run('important', LIST_BEFORE, [...before, limit]);
    return this.database.run('important', LIST, [limit]);
  }
}
