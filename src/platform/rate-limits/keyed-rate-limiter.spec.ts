import { describe, expect, test } from '@jest/globals';
import { ConcurrencyLimiter } from './concurrency-limiter.js';
import { KeyedRateLimiter } from './keyed-rate-limiter.js';

describe('a limit for each key', () => {
  test('of rates: one key uses up only its own, and what is given back may be taken again', () => {
    let now = 0;
    const limiter = new KeyedRateLimiter(1, 2, () => now);
    expect(['a', 'a', 'a', 'b'].map((key) => limiter.take(key))).toEqual([true, true, false, true]);
    limiter.giveBack('a');
    expect(['a', 'a'].map((key) => limiter.take(key))).toEqual([true, false]);
    now = 1_000;
    expect(['a', 'a'].map((key) => limiter.take(key))).toEqual([true, false]);
    limiter.giveBack('c');
    expect(limiter.take('c')).toBe(true);
  });

  test('of numbers: one key uses up only its own, until some of it has ended', () => {
    const limiter = new ConcurrencyLimiter(2);
    expect(['a', 'a', 'a', 'b'].map((key) => limiter.enter(key))).toEqual([true, true, false, true]);
    limiter.leave('a');
    expect(['a', 'a'].map((key) => limiter.enter(key))).toEqual([true, false]);
  });
});
