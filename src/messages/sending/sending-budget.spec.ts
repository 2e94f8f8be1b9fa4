import { expect, test } from '@jest/globals';
import { capReserveOf, reserveOf, sendingBudget } from './sending-budget.js';

const important = (perSecond: number, wanted: number) =>
  reserveOf('important', sendingBudget(perSecond, 10), wanted);

test('important messages leave a fifth of a second’s worth to critical ones, and critical ones leave nothing', () => {
  expect(important(100, 1)).toBe(20);
  expect(reserveOf('critical', sendingBudget(100, 10), 1)).toBe(0);
});

test('important messages of a slow sender go at its rate, and leave it room for a critical one of the most parts', () => {
  expect(sendingBudget(1, 10)).toEqual({ perSecond: 1, burst: 10 });
  expect(important(1, 1)).toBe(9);
});

test('a full bucket is enough for the longest message', () => {
  for (const perSecond of [0.1, 1, 9, 10, 12]) {
    const { burst } = sendingBudget(perSecond, 10);
    expect(important(perSecond, 10)).toBe(Math.min(burst - 10, 2));
  }
});

test('important messages leave a fifth of a cap to critical ones, but a cap that has all is enough for any message', () => {
  const cap = { perSecond: 1, burst: 10 };
  expect([1, 8, 9, 10, 11].map((wanted) => capReserveOf('important', cap, wanted))).toEqual([2, 2, 1, 0, 0]);
  expect(capReserveOf('critical', cap, 1)).toBe(0);
});
