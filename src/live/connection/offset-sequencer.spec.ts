import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { OffsetSequencer } from './offset-sequencer.js';

describe('the sequence of offsets on one device', () => {
  test('an event in order may be sent at once', () => {
    const sequencer = new OffsetSequencer<string>(4);
    expect([sequencer.add(5, 'five'), sequencer.add(6, 'six')]).toEqual([['five'], ['six']]);
    expect(sequencer.position).toBe(6);
  });

  test('a known offset is not sent again', () => {
    const sequencer = new OffsetSequencer<string>(4);
    expect([
      sequencer.add(4, 'four'),
      sequencer.add(1, 'one'),
      sequencer.add(5, 'five'),
      sequencer.add(5, 'five'),
    ]).toEqual([[], [], ['five'], []]);
  });

  test('an event that comes too early waits until the gap before it is closed', () => {
    const sequencer = new OffsetSequencer<string>(0);
    expect([sequencer.add(3, 'three'), sequencer.add(2, 'two')]).toEqual([[], []]);
    expect(sequencer.waiting).toBe(2);
    expect(sequencer.add(1, 'one')).toEqual(['one', 'two', 'three']);
    expect([sequencer.waiting, sequencer.position]).toEqual([0, 3]);
  });

  test('offsets that a replay or a snapshot covered are dropped, and what follows them is sent', () => {
    const sequencer = new OffsetSequencer<string>(0);
    for (const [offset, item] of [
      [3, 'three'],
      [5, 'five'],
      [6, 'six'],
      [9, 'nine'],
    ] as const)
      sequencer.add(offset, item);
    expect(sequencer.skipTo(4)).toEqual(['five', 'six']);
    expect([sequencer.position, sequencer.waiting]).toEqual([6, 1]);
  });

  test('a replay of known offsets changes nothing', () => {
    const sequencer = new OffsetSequencer<string>(7);
    expect(sequencer.skipTo(3)).toEqual([]);
    expect(sequencer.position).toBe(7);
  });

  const offsetsInAnyOrder = fc.nat(20).chain((first) =>
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

  test('in whatever order offsets come, and however often, each is sent once, in order', () => {
    fc.assert(
      fc.property(offsetsInAnyOrder, ({ first, offsets }) => {
        const sequencer = new OffsetSequencer<number>(first);
        const sent = offsets.flatMap((offset) => sequencer.add(offset, offset));
        const count = Math.max(first, ...offsets) - first;
        expect(sent).toEqual(Array.from({ length: count }, (_, n) => first + n + 1));
        expect([sequencer.position, sequencer.waiting]).toEqual([first + count, 0]);
      }),
    );
  });

  test('whatever replays come in between, no offset is sent twice or backwards', () => {
    fc.assert(
      fc.property(offsetsInAnyOrder, fc.array(fc.nat(60), { maxLength: 10 }), ({ first, offsets }, jumps) => {
        const sequencer = new OffsetSequencer<number>(first);
        let last = first;
        const expectNext = (sent: readonly number[]) => {
          for (const offset of sent) {
            expect(offset).toBe(last + 1);
            last = offset;
          }
        };
        for (const [n, offset] of offsets.entries()) {
          expectNext(sequencer.add(offset, offset));
          const jump = jumps[n];
          if (jump === undefined) continue;
          const released = sequencer.skipTo(jump);
          last = Math.max(last, jump);
          expectNext(released);
          expect(sequencer.position).toBe(last);
        }
      }),
    );
  });
});
