import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Batcher, QueueFull, type BatcherOptions } from './batcher.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** An act whose batches wait until the test lets them go on. */
function gate() {
  const batches: number[][] = [];
  const going: ((error?: Error) => void)[] = [];
  const act = (items: number[]): Promise<number[]> =>
    new Promise((resolve, reject) => {
      batches.push(items);
      going.push((error) => (error ? reject(error) : resolve(items.map((item) => item * 10))));
    });
  /** Lets the oldest act under way end, once there is one. */
  const letGo = async (error?: Error): Promise<void> => {
    while (going.length === 0) await turn();
    going.shift()?.(error);
  };
  return { act, batches, letGo };
}
const options = (more: Partial<BatcherOptions<number, number>>): BatcherOptions<number, number> => ({
  act: async (items) => items.map((item) => item * 10),
  size: 100,
  concurrency: 1,
  capacity: 1_000,
  ...more,
});
const settled = (promises: Promise<number>[]) =>
  Promise.allSettled(promises).then((outcomes) =>
    outcomes.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as Error).message)),
  );

describe('a batcher', () => {
  test('takes what comes in one turn together, and gives each its own result', async () => {
    const batches: number[][] = [];
    const batcher = new Batcher(
      options({ act: async (items) => (batches.push(items), items.map((item) => item * 10)) }),
    );
    expect(await Promise.all([1, 2, 3].map((item) => batcher.add(item)))).toEqual([10, 20, 30]);
    expect(batches).toEqual([[1, 2, 3]]);
  });

  test('gathers what comes while an act is under way', async () => {
    const { act, batches, letGo } = gate();
    const batcher = new Batcher(options({ act }));
    const first = batcher.add(1);
    await turn();
    const rest = [2, 3, 4].map((item) => batcher.add(item));
    await turn();
    expect([batches, batcher.waiting]).toEqual([[[1]], 3]);
    await letGo();
    await first;
    await letGo();
    expect(await Promise.all(rest)).toEqual([20, 30, 40]);
    expect(batches).toEqual([[1], [2, 3, 4]]);
  });

  test('never has more acts under way than it may, nor more items in one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 60 }),
        async (size, concurrency, count) => {
          let [running, most] = [0, 0];
          const taken: number[] = [];
          const act = async (items: number[]) => {
            running += 1;
            most = Math.max(most, running);
            expect(items.length).toBeLessThanOrEqual(size);
            taken.push(...items);
            await turn();
            running -= 1;
            return items;
          };
          const batcher = new Batcher(options({ act, size, concurrency }));
          const items = Array.from({ length: count }, (_, n) => n);
          expect(await Promise.all(items.map((item) => batcher.add(item)))).toEqual(items);
          expect(taken).toEqual(items);
          expect(most).toBeLessThanOrEqual(concurrency);
          expect(batcher.waiting).toBe(0);
        },
      ),
    );
  });

  test('weighs its items: a batch is never heavier than it may be, unless one item alone is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 40 }),
        async (items) => {
          const batches: number[][] = [];
          const batcher = new Batcher(
            options({ act: async (batch) => (batches.push(batch), batch), size: 10, weigh: (item) => item }),
          );
          expect(await Promise.all(items.map((item) => batcher.add(item)))).toEqual(items);
          expect(batches.flat()).toEqual(items);
          for (const batch of batches) {
            const weight = batch.reduce((sum, item) => sum + item, 0);
            expect(weight <= 10 || batch.length === 1).toBe(true);
          }
        },
      ),
    );
  });

  test('that is full refuses at once, and takes again when there is room', async () => {
    const { act, letGo } = gate();
    const batcher = new Batcher(options({ act, capacity: 2 }));
    const first = batcher.add(1);
    await turn();
    const waiting = [batcher.add(2), batcher.add(3)];
    await expect(batcher.add(4)).rejects.toBeInstanceOf(QueueFull);
    await letGo();
    await first;
    await letGo();
    expect(await Promise.all(waiting)).toEqual([20, 30]);
    const again = batcher.add(5);
    await letGo();
    expect(await again).toBe(50);
  });

  test('tells a failure to all whom it concerns, and goes on', async () => {
    const { act, letGo } = gate();
    const batcher = new Batcher(options({ act }));
    const failing = settled([batcher.add(1), batcher.add(2)]);
    await turn();
    const next = batcher.add(3);
    await letGo(new Error('away'));
    expect(await failing).toEqual(['away', 'away']);
    await letGo();
    expect(await next).toBe(30);
  });

  describe('whose failure may be one item’s fault', () => {
    const poisoned = (isolate: (error: unknown) => boolean) =>
      new Batcher(
        options({
          act: async (items) => {
            if (items.includes(13)) throw new Error('poison');
            return items.map((item) => item * 10);
          },
          isolate,
        }),
      );

    test('tries each alone, so that only the one is refused', async () => {
      const batcher = poisoned(() => true);
      expect(await settled([1, 13, 2, 3].map((item) => batcher.add(item)))).toEqual([10, 'poison', 20, 30]);
    });

    test('does not when it is nobody’s fault', async () => {
      const batcher = poisoned(() => false);
      expect(await settled([1, 13, 2].map((item) => batcher.add(item)))).toEqual([
        'poison',
        'poison',
        'poison',
      ]);
    });
  });
});
