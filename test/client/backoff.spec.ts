import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  failuresAfterConnection,
  MAX_DELAY_MS,
  MAX_RETRY_AFTER_MS,
  maxJitterMs,
  retryDelayMs,
} from '../../clients/web/src/backoff.js';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the backoff', () => {
  test('is random over its whole range, grows to 30 s, and is never less than the server asked for', () => {
    fc.assert(
      fc.property(fc.nat(5_000), random, fc.nat(600_000), (attempt, number, retryAfterMs) => {
        const delayMs = retryDelayMs(attempt, () => number, retryAfterMs);
        expect(delayMs).toBeGreaterThanOrEqual(retryAfterMs);
        expect(delayMs).toBeLessThanOrEqual(retryAfterMs + maxJitterMs(attempt));
        expect(maxJitterMs(attempt)).toBeLessThanOrEqual(MAX_DELAY_MS);
      }),
    );
    expect([0, 1, 2, 3, 4, 5, 99].map(maxJitterMs)).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
    ]);
    expect(retryDelayMs(3, () => 0)).toBe(0);
  });

  test('starts small again only after a connection that lasted', () => {
    expect(failuresAfterConnection(9_999, 4)).toBe(4);
    expect(failuresAfterConnection(10_000, 4)).toBe(0);
  });

  test('ignores a retryAfterMs that would keep the device offline for days, or that is not a delay', () => {
    for (const retryAfterMs of [Number.NaN, -5, Infinity])
      expect(retryDelayMs(0, () => 0.5, retryAfterMs)).toBe(500);
    expect(retryDelayMs(0, () => 0, 2 ** 40)).toBe(MAX_RETRY_AFTER_MS);
  });
});
