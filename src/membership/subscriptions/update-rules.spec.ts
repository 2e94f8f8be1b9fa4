import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MEMBERSHIP_STATUSES } from '../../mailbox/events/event-data.schema.js';
import type { Status } from '../membership.js';
import { isNewer } from './update-rules.js';

const day = (n: number): Date => new Date(Date.UTC(2026, 10, n));

describe('a processor’s update is newer', () => {
  const never = () => false;
  const always = () => true;
  const known = { asOf: day(10), ended: false };

  test('when nothing is known of the subscription', () => {
    expect(isNewer(undefined, { asOf: day(1), ended: false }, never)).toBe(true);
  });

  test('when its date is later, and not when it is earlier', () => {
    expect(isNewer(known, { asOf: day(11), ended: false }, never)).toBe(true);
    expect(isNewer(known, { asOf: day(9), ended: false }, always)).toBe(false);
  });

  test('when it has the same second and the tie-breaker says that it came after', () => {
    expect(isNewer(known, { asOf: day(10), ended: false }, always)).toBe(true);
    expect(isNewer(known, { asOf: day(10), ended: false }, never)).toBe(false);
  });

  test('when it is the end, even if its date is earlier than what is known', () => {
    expect(isNewer(known, { asOf: day(9), ended: true }, never)).toBe(true);
  });

  test('never after the end, however late its date is', () => {
    const ended = { asOf: day(10), ended: true };
    for (const update of [
      { asOf: day(30), ended: false },
      { asOf: day(30), ended: true },
    ])
      expect(isNewer(ended, update, always)).toBe(false);
  });

  /** A subscription's history by the processor's clock, delivered in any order, some updates repeatedly. */
  const history = fc
    .record({
      statuses: fc.array(fc.constantFrom(...MEMBERSHIP_STATUSES), { minLength: 1, maxLength: 8 }),
      ends: fc.boolean(),
    })
    .map(({ statuses, ends }) =>
      statuses.map((status, n) => ({ status, asOf: day(n + 1), ended: ends && n === statuses.length - 1 })),
    );
  type Update = { status: Status; asOf: Date; ended: boolean };
  const delivered = history.chain((updates) =>
    fc.array(fc.nat(updates.length - 1), { maxLength: 10 }).chain((repeated) =>
      fc.record({
        updates: fc.constant(updates),
        order: fc.shuffledSubarray([...updates.keys(), ...repeated], {
          minLength: updates.length + repeated.length,
        }),
      }),
    ),
  );
  const apply = (updates: readonly Update[], order: readonly number[]): (Update | undefined)[] => {
    let known: Update | undefined;
    return order.map((index) => {
      const update = updates[index] as Update;
      if (isNewer(known, update, () => false)) known = update;
      return known;
    });
  };

  test('in any order and with repetitions a history ends in the processor’s last state', () => {
    fc.assert(
      fc.property(delivered, ({ updates, order }) => {
        expect(apply(updates, order).at(-1)).toEqual(updates.at(-1));
      }),
    );
  });

  test('no step goes back to an older update, and nothing follows an end', () => {
    fc.assert(
      fc.property(delivered, ({ updates, order }) => {
        const known = apply(updates, order);
        for (const [n, after] of known.entries()) {
          const before = known[n - 1];
          if (!before) continue;
          const isOrdered = before.ended
            ? after === before
            : (after as Update).asOf.getTime() >= before.asOf.getTime();
          expect(isOrdered).toBe(true);
        }
      }),
    );
  });
});
