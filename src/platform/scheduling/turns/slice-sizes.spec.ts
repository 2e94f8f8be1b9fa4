import { expect, test } from '@jest/globals';
import { SliceSizes } from './slice-sizes.js';

test('a slice that took too long is halved, down to one, and grows again when the next ones do not', () => {
  const sizes = new SliceSizes(100);
  expect(sizes.of('a')).toBe(100);
  sizes.shrink('a', 100);
  expect([sizes.of('a'), sizes.of('b')]).toEqual([50, 100]);
  for (let n = 0; n < 10; n += 1) sizes.shrink('a', sizes.of('a'));
  expect(sizes.of('a')).toBe(1);
  sizes.grow('a');
  expect(sizes.of('a')).toBe(2);
  for (let n = 0; n < 1_000; n += 1) sizes.grow('a');
  expect(sizes.of('a')).toBe(100);
});
