import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { holdBack } from './next-step.js';

const now = new Date('2026-11-28T10:00:00Z');
const heldBack = (leftMs: number, waitMs: number, soonestMs: number, random = Math.random) =>
  holdBack(
    { expiresAt: new Date(now.getTime() + leftMs) },
    { waitMs, soonestMs },
    { now, reason: 'full', random },
  );

test('a message that a limit refused comes back in its turn', () => {
  expect(heldBack(60_000, 5_000, 1_000)).toEqual({ state: 'queued', reason: 'full', dueInMs: 5_000 });
});

test('a message whose turn comes after it expires tries before; it is withdrawn only when nothing would be granted by then', () => {
  const ms = fc.integer({ min: 1, max: 86_400_000 });
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(ms, ms, ms, chance, (leftMs, later, soonestMs, random) => {
      const settlement = heldBack(leftMs, soonestMs + later, soonestMs, () => random);
      if (soonestMs >= leftMs) return settlement.state === 'withdrawn' && settlement.reason === 'expired';
      const { state, dueInMs = 0 } = settlement;
      return state === 'queued' && dueInMs >= soonestMs && dueInMs < leftMs;
    }),
  );
});
