import { LRUCache } from 'lru-cache';

/**
 * Returns a cache of at most `max` entries, of which the least recently used goes first; `ttl` in milliseconds. lru-cache reserves the
 * memory of `max` entries when it is created (2 MB and 20 ms for 100,000). Limited by the sum of sizes, 1 each, it grows with what it holds.
 */
export const growingCache = <Value extends {}>(max: number, ttl?: number): LRUCache<string, Value> =>
  new LRUCache({ maxSize: max, sizeCalculation: () => 1, ...(ttl !== undefined && { ttl }) });
