import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/postgres/database.js';
import { named, plannedEachTime } from '../../platform/postgres/statement.js';
import { OUR_SLOTS } from '../capture/our-slots.js';
import type { UserKey } from '../files/raw-line.js';

const KEY_BYTES = 32;
/** Users of one statement. */
const MAX_USERS = 1_000;
const COLUMNS = `user_id AS "userId", key_id::text AS "keyId", key`;
const FIND = plannedEachTime(
  named('warehouse-keys', `SELECT ${COLUMNS} FROM warehouse_key WHERE user_id = ANY ($1::text[])`),
);
const WITH_ID = named('warehouse-key-with-id', `SELECT key FROM warehouse_key WHERE key_id = $1::uuid`);
const ADD = plannedEachTime(
  named(
    'warehouse-keys-add',
    `INSERT INTO warehouse_key (user_id, key, bucket)
     SELECT u.user_id, u.key, bucket_of(u.user_id) FROM unnest($1::text[], $2::bytea[]) u (user_id, key)
     ON CONFLICT (user_id, bucket) DO NOTHING`,
  ),
);
/** The erasure is seen, so it is committed, and so are all changes that came before it: their commits stand before this place. */
const STAMP = named(
  'warehouse-keys-stamp',
  `UPDATE warehouse_key SET erased_lsn = pg_current_wal_insert_lsn() - '0/0'::pg_lsn WHERE key IS NULL AND erased_lsn IS NULL`,
);
/** Not by what this process has written: PostgreSQL sends again what comes after the place that it knows. */
const FORGET = named(
  'warehouse-keys-forget',
  `DELETE FROM warehouse_key WHERE key IS NULL AND erased_lsn IS NOT NULL AND erased_lsn <= (
     SELECT (min(confirmed_flush_lsn) - '0/0'::pg_lsn)::bigint FROM pg_replication_slots WHERE ${OUR_SLOTS})`,
);

type KeyRow = { userId: string; keyId: string; key: Buffer | null };

/** The keys with which the rows of users are encrypted in the raw zone. To erase a user is to destroy their key. */
@Injectable()
export class UserKeyStore {
  constructor(private readonly database: Database) {}

  /** Returns the key of each user, made now for users who have none yet. */
  async keysOf(userIds: ReadonlySet<string>): Promise<Map<string, UserKey>> {
    const all = [...userIds];
    const keys = new Map<string, UserKey>();
    for (let at = 0; at < all.length; at += MAX_USERS)
      for (const [userId, key] of await this.someKeysOf(all.slice(at, at + MAX_USERS))) keys.set(userId, key);
    return keys;
  }

  /** Returns the key with this id; undefined once its user was erased. */
  async keyWithId(keyId: string): Promise<Uint8Array | undefined> {
    const [row] = await this.database.run<Pick<KeyRow, 'key'>>('routine', WITH_ID, [keyId]);
    return row?.key ?? undefined;
  }

  /** Forgets who was erased before the place up to which PostgreSQL knows the log as read: no change of theirs comes any more. */
  async forgetErased(): Promise<void> {
    await this.database.run('routine', STAMP, []);
    await this.database.run('routine', FORGET, []);
  }

  private async someKeysOf(userIds: readonly string[]): Promise<Map<string, UserKey>> {
    const known = await this.find(userIds);
    const missing = userIds.filter((one) => !known.has(one));
    if (missing.length === 0) return known;
    await this.database.run('routine', ADD, [missing, missing.map(() => randomBytes(KEY_BYTES))]);
    return new Map([...known, ...(await this.find(missing))]);
  }

  private async find(userIds: readonly string[]): Promise<Map<string, UserKey>> {
    const rows = await this.database.run<KeyRow>('routine', FIND, [userIds]);
    return new Map(rows.map(({ userId, keyId, key }) => [userId, { keyId, key: key ?? undefined }]));
  }
}
