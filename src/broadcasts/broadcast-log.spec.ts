import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Broadcast } from './broadcast.js';
import { BroadcastLog } from './broadcast-log.js';

const NOW = Date.parse('2026-11-20T00:00:00.000Z');
const LATER = '2026-11-27T00:00:00.000Z';
const broadcast = (number: number, expiresAt = LATER): Broadcast => ({
  number,
  id: `id-${number}`,
  type: 'notice',
  key: null,
  data: {},
  sample: 100,
  at: '2026-11-19T00:00:00.000Z',
  expiresAt,
});
const log = (numbers: readonly number[], head = Math.max(0, ...numbers), epoch = 'e1') =>
  new BroadcastLog(
    { epoch, number: head },
    numbers.map((number) => broadcast(number)),
  );
const numbersAfter = (of: BroadcastLog, number: number, epoch = 'e1') =>
  of.after({ epoch, number }, NOW).map((one) => one.number);

describe('the log of broadcasts', () => {
  test('gives a device what comes after its position, in order', () => {
    expect(numbersAfter(log([2, 5, 9]), 2)).toEqual([5, 9]);
    expect(numbersAfter(log([2, 5, 9]), 4)).toEqual([5, 9]);
    expect(numbersAfter(log([2, 5, 9]), 9)).toEqual([]);
  });

  test('gives all to a device without a position, or with one of another epoch', () => {
    expect(
      log([2, 5])
        .after(undefined, NOW)
        .map(({ number }) => number),
    ).toEqual([2, 5]);
    expect(numbersAfter(log([2, 5]), 7, 'e0')).toEqual([2, 5]);
  });

  test('gives nothing that has expired since it was read', () => {
    const of = new BroadcastLog({ epoch: 'e1', number: 2 }, [
      broadcast(1, new Date(NOW).toISOString()),
      broadcast(2),
    ]);
    expect(numbersAfter(of, 0)).toEqual([2]);
  });

  test('is encoded once for all who read it, and once more when a broadcast has expired', () => {
    let encodings = 0;
    const data = { toJSON: () => void (encodings += 1) };
    const soon = { ...broadcast(1, new Date(NOW + 1_000).toISOString()), data };
    const of = new BroadcastLog({ epoch: 'e1', number: 3 }, [soon, broadcast(2)]);
    const numbersAt = (now: number) => {
      const { number, entries } = JSON.parse(of.encodedAt(now)) as Record<string, unknown>;
      return [number, (entries as { broadcast: number }[]).map((entry) => entry.broadcast)];
    };
    expect([numbersAt(NOW), numbersAt(NOW + 999)]).toEqual([
      [3, [1, 2]],
      [3, [1, 2]],
    ]);
    expect(encodings).toBe(1);
    expect(numbersAt(NOW + 1_000)).toEqual([3, [2]]);
    expect(numbersAt(Date.parse(LATER))).toEqual([3, []]);
  });

  test('never takes a device back that another node has sent more', () => {
    const ahead = { epoch: 'e1', number: 7 };
    expect(log([2, 5]).headFor(ahead)).toEqual(ahead);
    expect(log([2, 5]).headFor({ epoch: 'e0', number: 7 })).toEqual({ epoch: 'e1', number: 5 });
    expect(log([2, 5]).headFor(undefined)).toEqual({ epoch: 'e1', number: 5 });
  });

  test('is whole: whichever states of it a device sees on whichever nodes, it gets what stays in force once, in order', () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 });
    const states = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 12 });
    fc.assert(
      fc.property(numbers, states, (published, heads) => {
        const sorted = published.toSorted((a, b) => a - b);
        let position = undefined as { epoch: string; number: number } | undefined;
        const got: number[] = [];
        for (const head of [...heads, 30]) {
          const seen = log(
            sorted.filter((number) => number <= head),
            head,
          );
          got.push(...seen.after(position, NOW).map(({ number }) => number));
          position = seen.headFor(position);
        }
        expect(got).toEqual(sorted);
      }),
    );
  });
});
