import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** Far more than there will ever be servers, so that each can have many and give some away. Never to be changed. */
export const BUCKETS = 1_024;

/** Returns the bucket that a user's rows belong to, 0 to 1,023: the same as `bucket_of` in SQL (docs/decisions/keyed-by-user-and-bucket.md). */
export const bucketOf = (userId: string): number => crc32(userId) % BUCKETS;

const ID_RANDOM_BYTES = 16;

/**
 * Returns a new id of something of the user's, in base64url: the user's bucket and 128 random bits. Who has the id can tell where its row
 * is, without a directory.
 */
export function newIdOf(userId: string): string {
  const bucket = Buffer.alloc(2);
  bucket.writeUInt16BE(bucketOf(userId));
  return Buffer.concat([bucket, randomBytes(ID_RANDOM_BYTES)]).toString('base64url');
}
