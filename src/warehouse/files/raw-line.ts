import { decrypt, encrypt } from '../../platform/crypto/aes-gcm.js';
import { sortableLsn } from '../capture/lsn.js';
import type { RawRecord } from '../capture/raw-record.js';

/** The key of a user's rows; `key` is undefined once the user was erased. */
export interface UserKey {
  readonly keyId: string;
  readonly key: Uint8Array | undefined;
}

/** Where a line stands, and who wrote it. */
export interface LineOrigin {
  readonly slot: string;
  /** `installation/machine`. */
  readonly producer: string;
  /** The file's name. */
  readonly file: string;
  /** The line in the file, from 1. */
  readonly n: number;
}

/**
 * Returns a record as a line of a raw file, without the line's end. The row of a user is encrypted with their key: `key_id` and `sealed`, which is
 * AES-256-GCM in base64 (12 bytes of nonce, 16 of tag, then the ciphertext). Of a user who was erased no row is written.
 */
export function rawLine(record: RawRecord, userKey: UserKey | undefined, origin: LineOrigin): string {
  const { order, table, op, lsn, committedAt, xid, schema, row } = record;
  return JSON.stringify({
    id: `${origin.slot}.${order}`,
    table,
    op,
    lsn: sortableLsn(lsn),
    committed_at: committedAt,
    xid,
    schema,
    producer: origin.producer,
    file: origin.file,
    n: origin.n,
    ...(row !== null && contentOf(row, userKey)),
  });
}

/** Returns the value, encrypted with a user's key. */
export const sealed = (value: unknown, key: Uint8Array): string =>
  Buffer.from(encrypt(key, JSON.stringify(value))).toString('base64');

/** Returns what `sealed` has encrypted. Throws for another key. */
export const unsealed = (text: string, key: Uint8Array): unknown =>
  JSON.parse(decrypt(key, Buffer.from(text, 'base64')));

function contentOf(row: NonNullable<RawRecord['row']>, userKey: UserKey | undefined): object {
  if (userKey === undefined) return { row };
  const { keyId, key } = userKey;
  if (key === undefined) return { key_id: keyId, is_erased: true };
  return { key_id: keyId, sealed: sealed(row, key) };
}
