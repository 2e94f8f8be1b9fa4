import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TokenBucket } from './token-bucket.js';

const RATE = 20;
const BURST = 100;
/** How many of `count` calls at the same time are allowed. */
const countAllowed = (bucket: TokenBucket, count: number, at: number): number =>
  Array.from({ length: count }, () => bucket.take(at)).filter(Boolean).length;

describe('a token bucket', () => {
  test('allows a burst at once, and no more', () => {
    expect(countAllowed(new TokenBucket(RATE, BURST, 0), 150, 0)).toBe(BURST);
  });

  test('allows its rate for ever', () => {
    const bucket = new TokenBucket(RATE, BURST, 0);
    const calls = Array.from({ length: 10_000 }, (_, n) => bucket.take(((n + 1) * 1_000) / RATE));
    expect(calls.indexOf(false)).toBe(-1);
  });

  test('allows no more than one burst after a pause of any length', () => {
    const bucket = new TokenBucket(RATE, BURST, 0);
    expect(countAllowed(bucket, 500, 3_600_000)).toBe(BURST);
  });

  test('refuses nothing because the clock was set back', () => {
    const bucket = new TokenBucket(RATE, BURST, 10_000);
    expect(bucket.take(10_000)).toBe(true);
    expect(bucket.take(0)).toBe(true);
    expect(bucket.deficit).toBe(0);
    expect(countAllowed(bucket, 150, 1_000)).toBe(BURST);
  });

  test('counts refused calls, so that a flood stays refused', () => {
    const bucket = new TokenBucket(RATE, BURST, 0);
    countAllowed(bucket, 150, 0);
    expect(bucket.deficit).toBe(50);
    expect(countAllowed(bucket, 10, 1_000)).toBe(0);
  });

  test('has a deficit of one burst at most, which the rate makes up for', () => {
    const bucket = new TokenBucket(RATE, BURST, 0);
    countAllowed(bucket, 100_000, 0);
    expect(bucket.deficit).toBe(BURST);
    expect(bucket.take((BURST / RATE) * 1_000 + 1_000 / RATE)).toBe(true);
    expect(bucket.deficit).toBe(0);
  });

  test('never allows more in any period than its burst and its rate', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ pauseMs: fc.nat(2_000), count: fc.nat(60) }), { maxLength: 40 }),
        (calls) => {
          const bucket = new TokenBucket(RATE, BURST, 0);
          const allowed: number[] = [];
          let now = 0;
          for (const { pauseMs, count } of calls) {
            now += pauseMs;
            for (let n = countAllowed(bucket, count, now); n > 0; n -= 1) allowed.push(now);
          }
          const isTooMany = (from: number, to: number, count: number) =>
            count > BURST + ((to - from) * RATE) / 1_000 + 1e-6;
          const excesses = allowed.flatMap((from, first) =>
            allowed.slice(first).filter((to, index) => isTooMany(from, to, index + 1)),
          );
          expect(excesses).toEqual([]);
        },
      ),
      { numRuns: 30 },
    );
  });
});
