import { beforeEach, describe, expect, test } from '@jest/globals';
import { RateLimiter } from './rate-limiter.js';

let now: number;
let limiter: RateLimiter;
let headers: Record<string, unknown>;
beforeEach(() => {
  now = 1_000_000;
  limiter = new RateLimiter('user', 2, () => now);
});

/** Whether a call is allowed. Its headers are in `headers`. */
const call = (caller: string): boolean => {
  headers = {};
  const setHeader = (name: string, value: unknown) => (headers[name] = value);
  try {
    limiter.take(caller, { setHeader } as never);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'rate_limited', extensions: { retryAfterMs: 1_000 } });
    return false;
  }
};
const calls = (caller: string, times: number) =>
  Array.from({ length: times }, () => call(caller)).filter(Boolean).length;

describe('a rate limiter', () => {
  test('allows a burst of five seconds’ worth, then the rate', () => {
    expect(calls('ann', 30)).toBe(10);
    now += 1_000;
    expect(calls('ann', 30)).toBe(2);
    now += 60_000;
    expect(calls('ann', 30)).toBe(10);
  });

  test('charges each caller alone', () => {
    expect(calls('ann', 30)).toBe(10);
    expect(call('ben')).toBe(true);
  });

  test('says in each response what is left, and when it is whole again', () => {
    call('ann');
    expect(headers).toEqual({ 'RateLimit-Policy': '"user";q=10;w=5', RateLimit: '"user";r=9;t=1' });
    calls('ann', 20);
    expect(headers).toMatchObject({ RateLimit: '"user";r=0;t=5' });
  });
});
