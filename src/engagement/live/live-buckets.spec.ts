import { expect, test } from '@jest/globals';
import { LiveBuckets, type LiveCount } from './live-buckets.js';

const count = (minute: string, kind: string, people: number, version: number): LiveCount => ({
  at: `2026-11-26T12:${minute}:00.000Z`,
  kind,
  people,
  machines: 0,
  version,
});
const shown = (buckets: ReturnType<LiveBuckets['changedSince']>) =>
  buckets.map(({ at, counts }) => [
    at.slice(14, 16),
    ...counts.map(({ kind, people }) => `${kind} ${people}`),
  ]);

test('a viewer who comes back gets what changed meanwhile, and a new one everything', () => {
  const buckets = new LiveBuckets([count('01', 'opened', 1, 5), count('00', 'opened', 4, 3)], 5);
  buckets.merge([count('01', 'opened', 2, 8), count('01', 'tapped', 1, 8)], 8);
  expect(shown(buckets.changedSince(5))).toEqual([['01', 'opened 2', 'tapped 1']]);
  expect(shown(buckets.changedSince(0))).toEqual([
    ['00', 'opened 4'],
    ['01', 'opened 2', 'tapped 1'],
  ]);
  expect(buckets.changedSince(buckets.version)).toEqual([]);
});

test('a position of roll-ups that are no longer there begins anew', () => {
  expect(shown(new LiveBuckets([count('00', 'opened', 4, 3)], 3).changedSince(99))).toEqual([
    ['00', 'opened 4'],
  ]);
});

test('minutes that are no longer shown are forgotten', () => {
  const buckets = new LiveBuckets([count('00', 'opened', 1, 1), count('01', 'opened', 1, 2)], 2);
  buckets.forgetBefore('2026-11-26T12:01:00.000Z');
  expect(shown(buckets.changedSince(0))).toEqual([['01', 'opened 1']]);
});
