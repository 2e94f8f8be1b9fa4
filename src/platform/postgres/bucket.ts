import { crc32 } from 'node:zlib';

/** Far more than there will ever be servers, so that each can have many and give some away. Never to be changed. */
export const BUCKETS = 1_024;

/** Returns the bucket that a user's rows belong to, 0 to 1,023: the same as `bucket_of` in SQL (docs/decisions/keyed-by-user-and-bucket.md). */
export const bucketOf = (userId: string): number => crc32(userId) % BUCKETS;
