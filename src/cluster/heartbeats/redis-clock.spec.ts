import { describe, expect, test } from '@jest/globals';
import { RedisClock } from './redis-clock.js';

/** A sample of a Redis that is `aheadMs` ahead of this node, asked at `askedAt`. */
const sample = (
  askedAt: number,
  aheadMs: number,
  way: { readonly there: number; readonly back: number },
) => ({
  askedAt,
  answeredAt: askedAt + way.there + way.back,
  redisTime: askedAt + way.there + aheadMs,
});

describe("Redis's clock", () => {
  test("is this node's until it was asked", () => {
    expect(new RedisClock().at(1_000)).toBe(1_000);
  });

  test('is that of the answer with the shortest way', () => {
    const clock = new RedisClock();
    clock.add(sample(1_000, 30_000, { there: 90, back: 10 }));
    expect(clock.at(0)).toBe(30_040);
    clock.add(sample(2_000, 30_000, { there: 1, back: 1 }));
    clock.add(sample(3_000, 30_000, { there: 300, back: 0 }));
    expect(clock.at(0)).toBe(30_000);
  });

  test('follows a clock that was set, and one that is another after a failover', () => {
    const clock = new RedisClock();
    clock.add(sample(100_000, 0, { there: 1, back: 1 }));
    clock.add(sample(40_000, 60_000, { there: 2, back: 2 }));
    expect(clock.at(40_000)).toBe(100_000);
    for (let at = 41_000; at <= 45_000; at += 1_000) clock.add(sample(at, 59_000, { there: 3, back: 3 }));
    expect(clock.at(45_000)).toBe(104_000);
  });
});
