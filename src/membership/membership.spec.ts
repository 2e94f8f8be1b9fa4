import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MEMBERSHIP_STATUSES } from '../mailbox/events/event-data.schema.js';
import {
  type Capabilities,
  capabilitiesOf,
  deriveMembership,
  hasChanged,
  type MembershipContent,
  NO_CAPABILITIES,
  scheduledEnd,
  STATUS_RULES,
  type Status,
  statusAt,
  type Subscription,
} from './membership.js';

const PLAN_CAPABILITIES: Capabilities = {
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

describe('what a status allows', () => {
  test.each<[Status, boolean]>([
    ['trialing', true],
    ['active', true],
    ['past_due', true],
    ['none', false],
    ['paused', false],
    ['canceled', false],
  ])('a status of %s grants the plan’s capabilities: %s', (status, granted) => {
    expect(capabilitiesOf(status, PLAN_CAPABILITIES)).toEqual(granted ? PLAN_CAPABILITIES : NO_CAPABILITIES);
  });

  test('without a plan no status grants anything', () => {
    for (const status of MEMBERSHIP_STATUSES)
      for (const capabilities of [null, undefined])
        expect(capabilitiesOf(status, capabilities)).toEqual(NO_CAPABILITIES);
  });
});

describe('the membership of a user with several subscriptions', () => {
  test('does not exist without any', () => {
    expect(deriveMembership([], day(1))).toBeUndefined();
  });

  test('is that of the subscription with the most useful status', () => {
    const order: Status[] = ['active', 'trialing', 'past_due', 'paused', 'none', 'canceled'];
    for (const [n, better] of order.entries()) {
      for (const worse of order.slice(n + 1)) {
        const both = [
          subscription({ status: worse, planId: 'worse', asOf: day(9) }),
          subscription({ status: better, planId: 'better' }),
        ];
        expect(deriveMembership(both, day(1))).toMatchObject({ status: better, planId: 'better' });
      }
    }
  });

  test('is that of the longest-lasting one among equals, so that the end of another does not interrupt it', () => {
    const subscriptions = [
      subscription({ planId: 'ends first', cancelAt: day(20), asOf: day(9) }),
      subscription({ planId: 'goes on', asOf: day(2) }),
      subscription({ planId: 'ends later', cancelAt: day(25), asOf: day(5) }),
    ];
    expect(deriveMembership(subscriptions, day(1))).toMatchObject({ planId: 'goes on', endsAt: null });
    expect(deriveMembership([...subscriptions.slice(0, 1), ...subscriptions.slice(2)], day(1))).toMatchObject(
      {
        planId: 'ends later',
        endsAt: day(25),
      },
    );
  });

  test('changes to the next subscription at the moment in which the present one ends', () => {
    const both = [
      subscription({ planId: 'premium', cancelAt: day(20) }),
      subscription({ planId: 'basic', status: 'past_due', graceEndsAt: day(25) }),
    ];
    const statuses = [19, 20, 25].map((n) => deriveMembership(both, day(n)));
    expect(statuses).toMatchObject([
      { status: 'active', planId: 'premium', endsAt: day(20) },
      { status: 'past_due', planId: 'basic', endsAt: day(25) },
      { status: 'canceled' },
    ]);
  });

  test('is that of the most recently updated one among equals', () => {
    const both = [subscription({ planId: 'older' }), subscription({ planId: 'newer', asOf: day(2) })];
    expect(deriveMembership(both, day(1))?.planId).toBe('newer');
  });

  test('does not depend on the order in which the subscriptions are read', () => {
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
            deriveMembership(
              list.map(({ status, planId, asOf }) => subscription({ status, planId, asOf: day(asOf) })),
              day(1),
            );
          expect(read(other)).toEqual(read(one));
        },
      ),
    );
  });

  test('is derived without changing the list of subscriptions', () => {
    const list = Object.freeze([subscription({ status: 'canceled' }), subscription()]);
    deriveMembership(list, day(1));
    expect(list.map(({ status }) => status)).toEqual(['canceled', 'active']);
  });
});

describe('a new version of a membership is saved', () => {
  const membership: MembershipContent = {
    status: 'active',
    planId: 'basic',
    effectiveAt: day(1),
    cancelAt: null,
    endsAt: null,
  };

  test('for the first membership', () => {
    expect(hasChanged(undefined, membership)).toBe(true);
  });

  test.each<[string, Partial<MembershipContent>]>([
    ['another status', { status: 'past_due' }],
    ['another plan', { planId: 'premium' }],
    ['no plan', { planId: null }],
    ['an end that was set', { cancelAt: day(20) }],
  ])('for %s, and for the way back', (_, change) => {
    expect(hasChanged(membership, { ...membership, ...change })).toBe(true);
    expect(hasChanged({ ...membership, ...change }, membership)).toBe(true);
  });

  test('for an end that moved', () => {
    expect(hasChanged({ ...membership, cancelAt: day(20) }, { ...membership, cancelAt: day(21) })).toBe(true);
  });

  test('not for a change that no user or device could notice', () => {
    expect(
      hasChanged(
        { ...membership, cancelAt: day(20) },
        { ...membership, cancelAt: day(20), effectiveAt: day(3) },
      ),
    ).toBe(false);
  });
});

describe('a user with subscriptions at two processors, whose clocks differ', () => {
  const second = (n: number): Date => new Date(day(20).getTime() + n * 1_000);
  const instant = fc.integer({ min: -400, max: 400 }).map(second);
  const anySubscription: fc.Arbitrary<Subscription> = fc.record({
    processor: fc.constantFrom('stripe', 'apple'),
    subscriptionId: fc.constantFrom('1', '2', '3'),
    status: fc.constantFrom(...MEMBERSHIP_STATUSES),
    planId: fc.constantFrom('a', 'b', null),
    effectiveAt: instant,
    cancelAt: fc.option(instant),
    graceEndsAt: fc.option(instant),
    ended: fc.boolean(),
    asOf: instant,
  });
  const several = fc.uniqueArray(anySubscription, {
    selector: ({ processor, subscriptionId }) => `${processor} ${subscriptionId}`,
    minLength: 1,
    maxLength: 5,
  });
  const grants = (one: Subscription, now: Date) =>
    STATUS_RULES[statusAt(one.status, scheduledEnd(one), now)].grants;

  test('may watch exactly while one of the subscriptions grants it', () => {
    fc.assert(
      fc.property(several, instant, (subscriptions, now) => {
        const membership = deriveMembership(subscriptions, now);
        const isGranted = membership !== undefined && STATUS_RULES[membership.status].grants;
        expect(isGranted).toBe(subscriptions.some((one) => grants(one, now)));
      }),
      { numRuns: 1_000 },
    );
  });

  test('has one membership, in whatever order the subscriptions are read', () => {
    const orders = several.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(orders, instant, ([one, other], now) => {
        expect(deriveMembership(other, now)).toEqual(deriveMembership(one, now));
      }),
      { numRuns: 2_000 },
    );
  });

  test('whose membership was ended by Usher’s clock stays without one until a processor reports something else', () => {
    fc.assert(
      fc.property(several, instant, fc.nat(1_000), (subscriptions, now, later) => {
        const then = new Date(now.getTime() + later * 1_000);
        const stored = deriveMembership(subscriptions, now) as MembershipContent;
        const statusLater = statusAt(stored.status, stored.endsAt, then);
        expect(STATUS_RULES[statusLater].grants && !STATUS_RULES[stored.status].grants).toBe(false);
        // After the worker has ended it nothing is due any more: otherwise it would end the same membership for ever.
        const next = deriveMembership(subscriptions, then) as MembershipContent;
        expect(next.endsAt === null || next.endsAt > then).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
