import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TokenBucket } from './token-bucket.js';

const RATE = 20;
const BURST = 100;
/** How many of so many are allowed at the instant. */
const takes = (bucket: TokenBucket, count: number, at: number): number =>
  Array.from({ length: count }, () => bucket.take(at)).filter(Boolean).length;

describe('a token bucket', () => {
  test('lets a burst through at once, and no more', () => {
    expect(takes(new TokenBucket(RATE, BURST, 0), 150, 0)).toBe(BURST);
  });

  test('lets its rate through for ever', () => {
    const bucket = new TokenBucket(RATE, BURST, 0);
    for (let n = 1; n <= 10_000; n += 1) expect(bucket.take((n * 1_000) / RATE)).toBe(true);
  });

  test('saves no more than a burst, however long it was quiet', () => {
    const bucket = new TokenBucket(RATE, BURST, 0);
    expect(takes(bucket, 500, 3_600_000)).toBe(BURST);
  });

  test('stays shut for a flood, which pays for what was refused', () => {
    const bucket = new TokenBucket(RATE, BURST, 0);
    takes(bucket, 150, 0);
    expect(bucket.debt).toBe(50);
    expect(takes(bucket, 10, 1_000)).toBe(0);
  });

  test('forgives: its debt is never more than a burst, and is gone after the time that takes', () => {
    const bucket = new TokenBucket(RATE, BURST, 0);
    takes(bucket, 100_000, 0);
    expect(bucket.debt).toBe(BURST);
    expect(bucket.take((BURST / RATE) * 1_000 + 1_000 / RATE)).toBe(true);
    expect(bucket.debt).toBe(0);
  });

  test('never lets more through in any stretch of time than its burst and its rate allow', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ wait: fc.nat(2_000), count: fc.nat(60) }), { maxLength: 40 }),
        (visits) => {
          const bucket = new TokenBucket(RATE, BURST, 0);
          const allowed: number[] = [];
          let now = 0;
          for (const { wait, count } of visits) {
            now += wait;
            for (let n = takes(bucket, count, now); n > 0; n -= 1) allowed.push(now);
          }
          for (const [first, from] of allowed.entries()) {
            for (const [index, to] of allowed.entries()) {
              if (index < first || index % 7 > 0) continue;
              expect(index - first + 1).toBeLessThanOrEqual(BURST + ((to - from) * RATE) / 1_000 + 1e-6);
            }
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});
