import { expect, test } from '@jest/globals';
import { RestartBackoff } from './restart-backoff.js';

test('a process that fails again and again is started again ever later, but at least every 30 s', () => {
  const backoff = new RestartBackoff();
  const waits = Array.from({ length: 9 }, () => backoff.next(0));
  expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

test('a process that was ready for a minute is started again soon', () => {
  const backoff = new RestartBackoff();
  backoff.next(0);
  backoff.next(59_999);
  expect(backoff.next(59_999)).toBe(2_000);
  expect(backoff.next(60_000)).toBe(500);
});
