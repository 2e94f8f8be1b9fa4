import { expect, test } from '@jest/globals';
import { BatchSize } from './batch-size.js';

const sizesAfter = (times: readonly number[]): number[] => {
  const size = new BatchSize({ min: 10, max: 100, slowMs: 20 });
  return [size.current, ...times.map((ms) => (size.record(ms), size.current))];
};

test('a batch begins small, doubles while batches are quick, and stops at the largest size', () => {
  expect(sizesAfter([1, 1, 1, 1, 1])).toEqual([10, 20, 40, 80, 100, 100]);
});

test('a slow batch is followed by half of it, never by less than the smallest; one in between by one of the same size', () => {
  expect(sizesAfter([1, 1, 10, 21, 21, 21])).toEqual([10, 20, 40, 40, 20, 10, 10]);
});
