import { expect, test } from '@jest/globals';
import { estimateOf } from './estimate.js';

test('whoever was looked at one by one is counted: that is exact, also of nobody', () => {
  expect(estimateOf([1, 1, 0.5, 0.5], 1)).toEqual({ size: 3, margin: 0, isExact: true });
  expect(estimateOf([], 1)).toEqual({ size: 0, margin: 0, isExact: true });
});

test('of a sample each member found stands for others', () => {
  expect(estimateOf([100, 100, 100, 100], 100)).toEqual({ size: 400, margin: 398, isExact: false });
});

test('a sample is never exact, however little its members stand for', () => {
  expect(estimateOf([0.5, 0.5], 2)).toMatchObject({ size: 1, isExact: false });
});

test('where a sample has nobody, there may still be some', () => {
  expect(estimateOf([], 100)).toEqual({ size: 0, margin: 300, isExact: false });
});
