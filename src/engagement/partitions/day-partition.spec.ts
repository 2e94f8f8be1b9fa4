import { expect, test } from '@jest/globals';
import { dayOfPartition, isStorable, nextDay, partitionChanges, partitionName } from './day-partition.js';

const NOW = Date.parse('2026-03-01T00:00:00Z');

test('there is a partition for each day that an event may have, and for three days to come', () => {
  const { missing } = partitionChanges([], 30, NOW);
  expect(missing).toHaveLength(12);
  expect([missing[0], missing.at(-1)]).toEqual(['2026-02-21', '2026-03-04']);
  expect(partitionChanges(missing, 30, NOW).missing).toEqual([]);
});

test('one is dropped when all of its events are older than they are kept, and never while late ones may come', () => {
  const existing = ['2026-01-29', '2026-01-30', '2026-02-20', '2026-02-21'];
  expect(partitionChanges(existing, 30, NOW).old).toEqual(['2026-01-29']);
  expect(partitionChanges(existing, 1, NOW).old).toEqual(['2026-01-29', '2026-01-30', '2026-02-20']);
});

test('an event can be stored on a day that has one or still gets it, and not on one that is past and has none', () => {
  const existing = new Set(['2026-01-30']);
  const days = ['2026-01-30', '2026-02-20', '2026-02-21', '2026-03-04'];
  expect(days.filter((day) => isStorable(day, existing, NOW))).toEqual([
    '2026-01-30',
    '2026-02-21',
    '2026-03-04',
  ]);
});

test('its name says its day, and no other table has one', () => {
  expect(partitionName('2026-03-01')).toBe('engagement_event_20260301');
  expect(dayOfPartition('engagement_event_20260301')).toBe('2026-03-01');
  expect(dayOfPartition('engagement_event')).toBeUndefined();
  expect(nextDay('2026-02-28')).toBe('2026-03-01');
});
