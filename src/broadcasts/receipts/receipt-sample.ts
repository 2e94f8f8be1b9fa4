import { crc32 } from 'node:zlib';

/** Whether the receipts of the user are counted where one user in `sample` is: the same users each time, by a hash of their ids. */
export const isSampled = (userId: string, sample: number): boolean =>
  sample === 1 || crc32(userId) % sample === 0;
