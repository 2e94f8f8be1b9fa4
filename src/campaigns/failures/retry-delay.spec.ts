import { expect, test } from '@jest/globals';
import { MAX_FAILURES, retryDelay } from './retry-delay.js';

test('a campaign is tried again ever later, for some minutes, and then no more', () => {
  const delays = Array.from({ length: MAX_FAILURES }, (_, n) => retryDelay(n + 1));
  expect(delays).toEqual([2, 4, 8, 16, 32, 60, 60, undefined]);
});
