import { describe, expect, test } from '@jest/globals';
import { PacedWalk } from './paced-walk.js';

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

/** A walk in batches of ten whose batch with the item `bad()` fails. */
function walkOf(bad: () => number | undefined, concurrency = 2) {
  const handled: number[] = [];
  const walk = new PacedWalk<number>({
    run: async (batch) => {
      const item = bad();
      if (item !== undefined && batch.includes(item)) throw new Error('not now');
      handled.push(...batch);
    },
    size: 10,
    concurrency,
    pauseMs: 0,
  });
  return { walk, handled };
}
const sorted = (items: readonly number[]) => [...items].sort((a, b) => a - b);

describe('a walk over many items', () => {
  test('handles each once', async () => {
    const { walk, handled } = walkOf(() => undefined);
    walk.restart(numbers(95));
    expect(walk.isDone).toBe(false);
    await walk.proceed();
    expect([sorted(handled), walk.isDone]).toEqual([numbers(95), true]);
  });

  test('goes on where it failed, and a batch that fails again and again stops no other', async () => {
    let bad: number | undefined = 7;
    const { walk, handled } = walkOf(() => bad, 1);
    walk.restart(numbers(40));
    await expect(walk.proceed()).rejects.toThrow('not now');
    expect([handled, walk.isDone]).toEqual([[], false]);
    await expect(walk.proceed()).rejects.toThrow('not now');
    expect(handled).toEqual(numbers(40).slice(10));
    bad = undefined;
    await walk.proceed();
    expect([sorted(handled), walk.isDone]).toEqual([numbers(40), true]);
  });

  test('begins anew when it is restarted in between, and does not return to what failed before', async () => {
    let isFirst = true;
    const { walk, handled } = walkOf(() => {
      if (!isFirst) return undefined;
      isFirst = false;
      walk.restart([100, 101]);
      return 3;
    }, 1);
    walk.restart(numbers(10));
    await expect(walk.proceed()).rejects.toThrow('not now');
    await walk.proceed();
    expect(handled).toEqual([100, 101]);
  });

  test('ends when it is stopped', async () => {
    const { walk, handled } = walkOf(() => undefined);
    walk.restart(numbers(50));
    walk.stop();
    await walk.proceed();
    expect([handled, walk.isDone]).toEqual([[], false]);
  });
});
