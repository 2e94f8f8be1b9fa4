import { expect, test } from '@jest/globals';
import { isSampled } from './receipt-sample.js';

const users = Array.from({ length: 20_000 }, (_, n) => `user-${n}`);

test('about one user in so many is counted, and always the same ones', () => {
  const sampled = users.filter((userId) => isSampled(userId, 100));
  expect(sampled.length).toBeGreaterThan(140);
  expect(sampled.length).toBeLessThan(260);
  expect(users.filter((userId) => isSampled(userId, 100))).toEqual(sampled);
});

test('of one in one everybody is', () => {
  expect(users.every((userId) => isSampled(userId, 1))).toBe(true);
});
