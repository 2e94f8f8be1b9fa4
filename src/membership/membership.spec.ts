import { MEMBERSHIP_STATUSES } from '../mailbox/events/event-data.schema.js';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type Capabilities,
  capabilitiesOf,
  differs,
  type MembershipContent,
  membershipFrom,
  NO_CAPABILITIES,
  type Status,
  type Subscription,
} from './membership.js';
import { isNewer } from './subscriptions/precedence.js';

const PLANNED: Capabilities = {
  streaming: true,
  maxStreams: 4,
  maxQuality: '4k',
  downloads: true,
  ads: false,
};
const day = (n: number): Date => new Date(Date.UTC(2026, 10, n));
const subscription = (more: Partial<Subscription> = {}): Subscription => ({
  processor: 'stripe',
  subscriptionId: 'sub_1',
  status: 'active',
  planId: 'basic',
  effectiveAt: day(1),
  cancelAt: null,
  graceEndsAt: null,
  ended: false,
  asOf: day(1),
  ...more,
});

describe('a processor’s word is news', () => {
  const never = () => false;
  const always = () => true;
  const known = { asOf: day(10), ended: false };

  test('when nothing was known', () => {
    expect(isNewer(undefined, { asOf: day(1), ended: false }, never)).toBe(true);
  });

  test('when it is later, and not when it is earlier', () => {
    expect(isNewer(known, { asOf: day(11), ended: false }, never)).toBe(true);
    expect(isNewer(known, { asOf: day(9), ended: false }, always)).toBe(false);
  });

  test('of the same second, when something else says that it came after', () => {
    expect(isNewer(known, { asOf: day(10), ended: false }, always)).toBe(true);
    expect(isNewer(known, { asOf: day(10), ended: false }, never)).toBe(false);
  });

  test('when it is the end, even if it came before what is known', () => {
    expect(isNewer(known, { asOf: day(9), ended: true }, never)).toBe(true);
  });

  test('never after the end, however late it is', () => {
    const ended = { asOf: day(10), ended: true };
    for (const word of [
      { asOf: day(30), ended: false },
      { asOf: day(30), ended: true },
    ])
      expect(isNewer(ended, word, always)).toBe(false);
  });

  /** A subscription's history by the processor's clock, and the words of it in any order, some repeatedly. */
  const history = fc
    .record({
      statuses: fc.array(fc.constantFrom(...MEMBERSHIP_STATUSES), { minLength: 1, maxLength: 8 }),
      ends: fc.boolean(),
    })
    .map(({ statuses, ends }) =>
      statuses.map((status, n) => ({ status, asOf: day(n + 1), ended: ends && n === statuses.length - 1 })),
    );
  type Word = { status: Status; asOf: Date; ended: boolean };
  const delivered = history.chain((words) =>
    fc.array(fc.nat(words.length - 1), { maxLength: 10 }).chain((again) =>
      fc.record({
        words: fc.constant(words),
        order: fc.shuffledSubarray([...words.keys(), ...again], { minLength: words.length + again.length }),
      }),
    ),
  );
  const apply = (words: readonly Word[], order: readonly number[]): (Word | undefined)[] => {
    let known: Word | undefined;
    return order.map((index) => {
      const word = words[index] as Word;
      if (isNewer(known, word, () => false)) known = word;
      return known;
    });
  };

  test('any order and repetition of a history ends where the processor is', () => {
    fc.assert(
      fc.property(delivered, ({ words, order }) => {
        expect(apply(words, order).at(-1)).toEqual(words.at(-1));
      }),
    );
  });

  test('on the way nothing goes back to an older word, and an end absorbs everything', () => {
    fc.assert(
      fc.property(delivered, ({ words, order }) => {
        const known = apply(words, order);
        for (const [n, now] of known.entries()) {
          const before = known[n - 1];
          if (!before) continue;
          const fine = before.ended ? now === before : (now as Word).asOf.getTime() >= before.asOf.getTime();
          expect(fine).toBe(true);
        }
      }),
    );
  });
});

describe('what a status allows', () => {
  test.each<[Status, boolean]>([
    ['trialing', true],
    ['active', true],
    ['past_due', true],
    ['none', false],
    ['paused', false],
    ['canceled', false],
  ])('%s: what the plan allows? %s', (status, granted) => {
    expect(capabilitiesOf(status, PLANNED)).toEqual(granted ? PLANNED : NO_CAPABILITIES);
  });

  test('without a plan nothing, whatever the status', () => {
    for (const status of MEMBERSHIP_STATUSES)
      for (const planned of [null, undefined])
        expect(capabilitiesOf(status, planned)).toEqual(NO_CAPABILITIES);
  });
});

describe('a membership over several subscriptions', () => {
  test('is none without any', () => {
    expect(membershipFrom([], day(1))).toBeUndefined();
  });

  test('is that of the most useful one', () => {
    const order: Status[] = ['active', 'trialing', 'past_due', 'paused', 'none', 'canceled'];
    for (const [n, better] of order.entries()) {
      for (const worse of order.slice(n + 1)) {
        const both = [
          subscription({ status: worse, planId: 'worse', asOf: day(9) }),
          subscription({ status: better, planId: 'better' }),
        ];
        expect(membershipFrom(both, day(1))).toMatchObject({ status: better, planId: 'better' });
      }
    }
  });

  test('among equals is that of the one that lasts longest, so that no end of another interrupts it', () => {
    const longest = [
      subscription({ planId: 'ends first', cancelAt: day(20), asOf: day(9) }),
      subscription({ planId: 'goes on', asOf: day(2) }),
      subscription({ planId: 'ends later', cancelAt: day(25), asOf: day(5) }),
    ];
    expect(membershipFrom(longest, day(1))).toMatchObject({ planId: 'goes on', endsAt: null });
    expect(membershipFrom([...longest.slice(0, 1), ...longest.slice(2)], day(1))).toMatchObject({
      planId: 'ends later',
      endsAt: day(25),
    });
  });

  test('is that of another one from the moment on in which its own has ended', () => {
    const both = [
      subscription({ planId: 'premium', cancelAt: day(20) }),
      subscription({ planId: 'basic', status: 'past_due', graceEndsAt: day(25) }),
    ];
    const statuses = [19, 20, 25].map((n) => membershipFrom(both, day(n)));
    expect(statuses).toMatchObject([
      { status: 'active', planId: 'premium', endsAt: day(20) },
      { status: 'past_due', planId: 'basic', endsAt: day(25) },
      { status: 'canceled' },
    ]);
  });

  test('is that of the newest one among equals', () => {
    const both = [subscription({ planId: 'older' }), subscription({ planId: 'newer', asOf: day(2) })];
    expect(membershipFrom(both, day(1))?.planId).toBe('newer');
  });

  test('does not depend on the order in which they are read', () => {
    const any = fc.record({
      status: fc.constantFrom(...MEMBERSHIP_STATUSES),
      planId: fc.constantFrom('a', 'b', null),
      asOf: fc.integer({ min: 1, max: 28 }),
    });
    const several = fc.uniqueArray(any, { selector: ({ asOf }) => asOf, minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        several.chain((list) =>
          fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
        ),
        ([one, other]) => {
          const read = (list: typeof one) =>
            membershipFrom(
              list.map(({ status, planId, asOf }) => subscription({ status, planId, asOf: day(asOf) })),
              day(1),
            );
          expect(read(other)).toEqual(read(one));
        },
      ),
    );
  });

  test('does not change the list', () => {
    const list = Object.freeze([subscription({ status: 'canceled' }), subscription()]);
    membershipFrom(list, day(1));
    expect(list.map(({ status }) => status)).toEqual(['canceled', 'active']);
  });
});

describe('a new version is made', () => {
  const now: MembershipContent = {
    status: 'active',
    planId: 'basic',
    effectiveAt: day(1),
    cancelAt: null,
    endsAt: null,
  };

  test('for the first membership', () => {
    expect(differs(undefined, now)).toBe(true);
  });

  test.each<[string, Partial<MembershipContent>]>([
    ['another status', { status: 'past_due' }],
    ['another plan', { planId: 'premium' }],
    ['no plan', { planId: null }],
    ['an end that was set', { cancelAt: day(20) }],
  ])('for %s, and for the way back', (_, change) => {
    expect(differs(now, { ...now, ...change })).toBe(true);
    expect(differs({ ...now, ...change }, now)).toBe(true);
  });

  test('for an end that moved', () => {
    expect(differs({ ...now, cancelAt: day(20) }, { ...now, cancelAt: day(21) })).toBe(true);
  });

  test('not when nobody could notice', () => {
    expect(differs({ ...now, cancelAt: day(20) }, { ...now, cancelAt: day(20), effectiveAt: day(3) })).toBe(
      false,
    );
  });
});
