import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { OffsetSequencer } from './offset-sequencer.js';

describe('the order of offsets on one device', () => {
  test('what comes in order goes out at once', () => {
    const order = new OffsetSequencer<string>(4);
    expect([order.admit(5, 'five'), order.admit(6, 'six')]).toEqual([['five'], ['six']]);
    expect(order.position).toBe(6);
  });

  test('what is known is not sent again', () => {
    const order = new OffsetSequencer<string>(4);
    expect([
      order.admit(4, 'four'),
      order.admit(1, 'one'),
      order.admit(5, 'five'),
      order.admit(5, 'five'),
    ]).toEqual([[], [], ['five'], []]);
  });

  test('what comes too early waits until the hole before it is filled', () => {
    const order = new OffsetSequencer<string>(0);
    expect([order.admit(3, 'three'), order.admit(2, 'two')]).toEqual([[], []]);
    expect(order.waiting).toBe(2);
    expect(order.admit(1, 'one')).toEqual(['one', 'two', 'three']);
    expect([order.waiting, order.position]).toEqual([0, 3]);
  });

  test('what was told in another way is forgotten, and what follows goes out', () => {
    const order = new OffsetSequencer<string>(0);
    for (const [offset, item] of [
      [3, 'three'],
      [5, 'five'],
      [6, 'six'],
      [9, 'nine'],
    ] as const)
      order.admit(offset, item);
    expect(order.caughtUp(4)).toEqual(['five', 'six']);
    expect([order.position, order.waiting]).toEqual([6, 1]);
  });

  test('being told less than is known changes nothing', () => {
    const order = new OffsetSequencer<string>(7);
    expect(order.caughtUp(3)).toEqual([]);
    expect(order.position).toBe(7);
  });

  const arrivals = fc.nat(20).chain((first) =>
    fc.record({
      first: fc.constant(first),
      offsets: fc.nat(40).chain((count) => {
        const each = Array.from({ length: count }, (_, n) => first + n + 1);
        const repeated = fc.array(
          count === 0 ? fc.constant(first) : fc.integer({ min: 1, max: first + count }),
          { maxLength: 40 },
        );
        return repeated.chain((again) =>
          fc.shuffledSubarray([...each, ...again], { minLength: count + again.length }),
        );
      }),
    }),
  );

  test('any arrival order, with any repetition, gives each offset once, in order', () => {
    fc.assert(
      fc.property(arrivals, ({ first, offsets }) => {
        const order = new OffsetSequencer<number>(first);
        const sent = offsets.flatMap((offset) => order.admit(offset, offset));
        const count = Math.max(first, ...offsets) - first;
        expect(sent).toEqual(Array.from({ length: count }, (_, n) => first + n + 1));
        expect([order.position, order.waiting]).toEqual([first + count, 0]);
      }),
    );
  });

  test('whatever is told in between in another way, nothing goes out twice or backwards', () => {
    fc.assert(
      fc.property(arrivals, fc.array(fc.nat(60), { maxLength: 10 }), ({ first, offsets }, jumps) => {
        const order = new OffsetSequencer<number>(first);
        let told = first;
        const tell = (sent: readonly number[]) => {
          for (const offset of sent) {
            expect(offset).toBe(told + 1);
            told = offset;
          }
        };
        for (const [n, offset] of offsets.entries()) {
          tell(order.admit(offset, offset));
          const jump = jumps[n];
          if (jump === undefined) continue;
          const freed = order.caughtUp(jump);
          told = Math.max(told, jump);
          tell(freed);
          expect(order.position).toBe(told);
        }
      }),
    );
  });
});
