import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { MessageChannel } from '../message.js';

const ADD = named(
  'opt-out-add',
  `INSERT INTO message_opt_out (channel, address_hash, category, source) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
);
const REMOVE = named(
  'opt-outs-remove',
  'DELETE FROM message_opt_out WHERE channel = $1 AND address_hash = ANY ($2)',
);
const ADD_OF_MESSAGE = named(
  'opt-out-of-message',
  `INSERT INTO message_opt_out (channel, address_hash, category, source)
   SELECT channel, address_hash, '*', $2 FROM message WHERE id = $1 AND provider = ANY ($3) AND address_hash IS NOT NULL
   ON CONFLICT DO NOTHING`,
);

/** Every category. */
export const ALL_CATEGORIES = '*';

/** Why an address gets no messages. */
export type OptOutSource = 'keyword' | 'link' | 'provider' | 'bounced' | 'complained';

/** An address that wants no messages of a category. */
export interface OptOut {
  readonly channel: MessageChannel;
  readonly addressHash: Uint8Array;
  /** ALL_CATEGORIES: none at all. */
  readonly category: string;
  readonly source: OptOutSource;
}

/** Which addresses want no messages, by their keyed hashes. begin-sending.sql asks before each send. */
@Injectable()
export class OptOutStore {
  constructor(private readonly database: Database) {}

  /** Adds one, in a transaction of its own. */
  async add(optOut: OptOut): Promise<void> {
    await this.database.transaction('important', (tx) => this.addIn(tx, optOut));
  }

  /** Adds one. */
  async addIn(tx: Transaction, { channel, addressHash, category, source }: OptOut): Promise<void> {
    await tx.run(ADD, [channel, addressHash, category, source]);
  }

  /** Adds one for the address to which one of the providers sent this message. */
  async addOfMessage(
    tx: Transaction,
    messageId: string,
    source: OptOutSource,
    providers: readonly string[],
  ): Promise<void> {
    await tx.run(ADD_OF_MESSAGE, [messageId, source, providers]);
  }

  /** Removes all of the address with one of these hashes. */
  async remove(
    tx: Transaction,
    channel: MessageChannel,
    addressHashes: readonly Uint8Array[],
  ): Promise<void> {
    await tx.run(REMOVE, [channel, addressHashes]);
  }
}
