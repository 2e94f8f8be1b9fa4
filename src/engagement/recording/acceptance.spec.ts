import { expect, test } from '@jest/globals';
import { MAX_AHEAD_MS, MAX_LATE_MS, sortOut } from './acceptance.js';

const NOW = Date.parse('2026-11-26T12:00:00Z');
const at = (aheadMs: number) => ({
  id: `at ${aheadMs}`,
  userId: 'ada',
  kind: 'opened',
  at: new Date(NOW + aheadMs).toISOString(),
});

test('an event of the last seven days is accepted, and one of a clock that is five minutes fast', () => {
  const events = [at(-MAX_LATE_MS), at(0), at(MAX_AHEAD_MS)];
  expect(sortOut(events, NOW)).toEqual({ accepted: events, refused: [] });
});

test('what is older, or further ahead, is refused by name, and the others are not', () => {
  const { accepted, refused } = sortOut([at(MAX_AHEAD_MS + 1), at(-1), at(-MAX_LATE_MS - 1)], NOW);
  expect(accepted).toEqual([at(-1)]);
  expect(refused).toEqual([
    { index: 0, id: `at ${MAX_AHEAD_MS + 1}`, code: 'in_future' },
    { index: 2, id: `at ${-MAX_LATE_MS - 1}`, code: 'too_old' },
  ]);
});

test('what is not for apps to say is refused by name', () => {
  const { accepted, refused } = sortOut([at(0), { ...at(-1), kind: 'converted' }], NOW, new Set(['opened']));
  expect(accepted).toEqual([at(0)]);
  expect(refused).toEqual([{ index: 1, id: 'at -1', code: 'kind_not_allowed' }]);
});
