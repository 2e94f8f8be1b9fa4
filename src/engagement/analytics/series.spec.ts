import { expect, test } from '@jest/globals';
import { type GroupCounts, MAX_GROUPS, toSeries } from './series.js';

const count = (group: string, bucket: number, people: number, machines = 0): GroupCounts => ({
  group,
  buckets: [bucket],
  people: [people],
  machines: [machines],
});

test('each bucket has a number, and the largest group comes first', () => {
  const { series } = toSeries([count('ios', 2, 3), count('', 0, 1, 7), count('ios', 0, 1)], 3);
  expect(series).toEqual([
    { group: 'ios', total: 4, machineTotal: 0, counts: [1, 0, 3], machineCounts: [0, 0, 0] },
    { group: null, total: 1, machineTotal: 7, counts: [1, 0, 0], machineCounts: [7, 0, 0] },
  ]);
});

test('of more groups than are shown the others are one, and none is lost', () => {
  const counts = Array.from({ length: MAX_GROUPS + 2 }, (_, n) => count(`group ${n}`, n % 2, 100 - n));
  const { series, others } = toSeries(counts, 2);
  expect(series).toHaveLength(MAX_GROUPS);
  expect(others).toMatchObject({ groups: 2, total: 80 + 79, counts: [80, 79] });
});
