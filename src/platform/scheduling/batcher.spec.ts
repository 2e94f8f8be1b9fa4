import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { Batcher, QueueFull, type BatcherOptions } from './batcher.js';

const nextIteration = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Batches that do not end before the test calls `finishOldest`. */
function pausedBatches() {
  const batches: number[][] = [];
  const pending: ((error?: Error) => void)[] = [];
  const runBatch = (items: number[]): Promise<number[]> =>
    new Promise((resolve, reject) => {
      batches.push(items);
      pending.push((error) => (error ? reject(error) : resolve(items.map((item) => item * 10))));
    });
  /** Ends the oldest running batch; waits for one if none is running. */
  const finishOldest = async (error?: Error): Promise<void> => {
    while (pending.length === 0) await nextIteration();
    pending.shift()?.(error);
  };
  return { runBatch, batches, finishOldest };
}
const options = (more: Partial<BatcherOptions<number, number>>): BatcherOptions<number, number> => ({
  runBatch: async (items) => items.map((item) => item * 10),
  size: 100,
  concurrency: 1,
  capacity: 1_000,
  ...more,
});
const settled = (promises: Promise<number>[]) =>
  Promise.allSettled(promises).then((results) =>
    results.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as Error).message)),
  );

describe('a batcher', () => {
  test('handles items of one event loop iteration together, and returns to each its own result', async () => {
    const batches: number[][] = [];
    const batcher = new Batcher(
      options({ runBatch: async (items) => (batches.push(items), items.map((item) => item * 10)) }),
    );
    expect(await Promise.all([1, 2, 3].map((item) => batcher.add(item)))).toEqual([10, 20, 30]);
    expect(batches).toEqual([[1, 2, 3]]);
  });

  test('collects the items that are added while a batch runs', async () => {
    const { runBatch, batches, finishOldest } = pausedBatches();
    const batcher = new Batcher(options({ runBatch }));
    const first = batcher.add(1);
    await nextIteration();
    const rest = [2, 3, 4].map((item) => batcher.add(item));
    await nextIteration();
    expect([batches, batcher.waiting]).toEqual([[[1]], 3]);
    await finishOldest();
    await first;
    await finishOldest();
    expect(await Promise.all(rest)).toEqual([20, 30, 40]);
    expect(batches).toEqual([[1], [2, 3, 4]]);
  });

  test('that begins at once takes what one callback adds, and collects what comes while that runs', async () => {
    const { runBatch, batches, finishOldest } = pausedBatches();
    const batcher = new Batcher(options({ runBatch, beginsAtOnce: true, concurrency: 2 }));
    const results = [1, 2].map((item) => batcher.add(item));
    await Promise.resolve();
    await Promise.resolve();
    expect(batches).toEqual([[1, 2]]);
    results.push(...[3, 4].map((item) => batcher.add(item)));
    await Promise.resolve();
    await Promise.resolve();
    expect(batches).toEqual([[1, 2]]);
    await nextIteration();
    expect(batches).toEqual([
      [1, 2],
      [3, 4],
    ]);
    await finishOldest();
    await finishOldest();
    expect(await Promise.all(results)).toEqual([10, 20, 30, 40]);
  });

  test('begins at once after a rest, and collects items for as long as its spacing when batches follow each other', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    const batches: number[][] = [];
    const batcher = new Batcher(
      options({ runBatch: async (items) => (batches.push(items), items), spacingMs: 5 }),
    );
    const addInTurn = async (items: number[]) => {
      for (const item of items) {
        void batcher.add(item);
        await nextIteration();
      }
    };
    await addInTurn([1, 2, 3]);
    expect(batches).toEqual([[1]]);
    await jest.advanceTimersByTimeAsync(5);
    expect(batches).toEqual([[1], [2, 3]]);
    await jest.advanceTimersByTimeAsync(5);
    await addInTurn([4]);
    expect(batches).toEqual([[1], [2, 3], [4]]);
    jest.useRealTimers();
  });

  test('never exceeds its concurrency or the size of a batch', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 60 }),
        async (size, concurrency, count) => {
          let [running, most] = [0, 0];
          const taken: number[] = [];
          const runBatch = async (items: number[]) => {
            running += 1;
            most = Math.max(most, running);
            expect(items.length).toBeLessThanOrEqual(size);
            taken.push(...items);
            await nextIteration();
            running -= 1;
            return items;
          };
          const batcher = new Batcher(options({ runBatch, size, concurrency }));
          const items = Array.from({ length: count }, (_, n) => n);
          expect(await Promise.all(items.map((item) => batcher.add(item)))).toEqual(items);
          expect(taken).toEqual(items);
          expect(most).toBeLessThanOrEqual(concurrency);
          expect(batcher.waiting).toBe(0);
        },
      ),
    );
  });

  test('never makes a batch heavier than its size, except of one item that is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 40 }),
        async (items) => {
          const batches: number[][] = [];
          const batcher = new Batcher(
            options({
              runBatch: async (batch) => (batches.push(batch), batch),
              size: 10,
              weigh: (item) => item,
            }),
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

  test('refuses an item at once when it is full, and accepts items again when there is room', async () => {
    const { runBatch, finishOldest } = pausedBatches();
    const batcher = new Batcher(options({ runBatch, capacity: 2 }));
    const first = batcher.add(1);
    await nextIteration();
    const waiting = [batcher.add(2), batcher.add(3)];
    await expect(batcher.add(4)).rejects.toBeInstanceOf(QueueFull);
    await finishOldest();
    await first;
    await finishOldest();
    expect(await Promise.all(waiting)).toEqual([20, 30]);
    const again = batcher.add(5);
    await finishOldest();
    expect(await again).toBe(50);
  });

  test('rejects all items of a batch that fails, and goes on with the next', async () => {
    const { runBatch, finishOldest } = pausedBatches();
    const batcher = new Batcher(options({ runBatch }));
    const failing = settled([batcher.add(1), batcher.add(2)]);
    await nextIteration();
    const next = batcher.add(3);
    await finishOldest(new Error('away'));
    expect(await failing).toEqual(['away', 'away']);
    await finishOldest();
    expect(await next).toBe(30);
  });

  describe('when one item may have caused the error', () => {
    const poisoned = (isolate: (error: unknown) => boolean) =>
      new Batcher(
        options({
          runBatch: async (items) => {
            if (items.includes(13)) throw new Error('poison');
            return items.map((item) => item * 10);
          },
          isolate,
        }),
      );

    test('runs each item alone, so that only the bad one is rejected', async () => {
      const batcher = poisoned(() => true);
      expect(await settled([1, 13, 2, 3].map((item) => batcher.add(item)))).toEqual([10, 'poison', 20, 30]);
    });

    test('rejects all when no single item is at fault', async () => {
      const batcher = poisoned(() => false);
      expect(await settled([1, 13, 2].map((item) => batcher.add(item)))).toEqual([
        'poison',
        'poison',
        'poison',
      ]);
    });
  });
});
