import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { runIsolated } from './isolation.js';

class Outage extends Error {}

/** Runs `count` items of which those in `bad` fail every run that they are part of. */
async function run(count: number, bad: readonly number[], error: () => Error = () => new Error('poison')) {
  const handled: number[] = [];
  const failed: (readonly number[])[] = [];
  let runs = 0;
  await runIsolated(
    Array.from({ length: count }, (_, n) => n),
    {
      run: async (items) => {
        runs += 1;
        if (items.some((item) => bad.includes(item))) throw error();
        handled.push(...items);
      },
      isolate: (failure) => !(failure instanceof Outage),
      onFailure: (items) => void failed.push(items),
    },
  );
  return { handled, failed, runs };
}

describe('items that are run together', () => {
  test('fail alone, and the others are handled once each, in their order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(40), fc.array(fc.nat(39), { maxLength: 5 }), async (count, bad) => {
        const { handled, failed } = await run(count, bad);
        const all = Array.from({ length: count }, (_, n) => n);
        expect(handled).toEqual(all.filter((n) => !bad.includes(n)));
        expect(failed).toEqual(all.filter((n) => bad.includes(n)).map((n) => [n]));
      }),
    );
  });

  test('cost few runs when one of a thousand is bad, and a single one when none is', async () => {
    expect((await run(1_000, [])).runs).toBe(1);
    expect((await run(1_000, [777])).runs).toBeLessThanOrEqual(21);
  });

  test('fail together when no single one is at fault, after a single run', async () => {
    const { failed, runs } = await run(100, [5], () => new Outage());
    expect([failed.length, failed[0]?.length, runs]).toEqual([1, 100, 1]);
  });
});
