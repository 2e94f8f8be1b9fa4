import { MEMBERSHIP_STATUSES } from '../mailbox/events/event-data.schema.js';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  STATUS_RULES,
  type MembershipContent,
  membershipFrom,
  statusAt,
  endOf,
  type Status,
  type Subscription,
} from './membership.js';
import { isNewer } from './subscriptions/precedence.js';

/** What a processor holds, and what of it was written here. */
interface State {
  readonly status: Status;
  readonly planId: string;
  readonly ended: boolean;
}
interface Known extends State {
  readonly asOf: Date;
  readonly fetchSequence?: number;
}

const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 20) + seconds * 1_000);
const FIRST: State = { status: 'none', planId: 'a', ended: false };

/** Moves of one subscription; an end is the last. */
const moves = fc
  .array(
    fc.record({
      status: fc.constantFrom(...MEMBERSHIP_STATUSES),
      planId: fc.constantFrom('a', 'b', 'c'),
      ended: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((states) => {
    const end = states.findIndex(({ ended }) => ended);
    return end < 0 ? states : states.slice(0, end + 1);
  });

describe('where the processor can be asked', () => {
  /** Each webhook makes handlers: none when it was lost, several when it was repeated; some die between two steps. */
  const history = moves.chain((states) =>
    fc.record({
      states: fc.constant(states),
      handlers: fc.array(
        fc.array(
          fc.constantFrom<'whole' | 'dies after the fetch' | 'dies before it'>(
            'whole',
            'dies after the fetch',
            'dies before it',
          ),
          { maxLength: 3 },
        ),
        { minLength: states.length, maxLength: states.length },
      ),
    }),
  );

  /** A processor, a table, and handlers whose fetches and writes are interleaved by the scheduler. */
  class World {
    truth: State = FIRST;
    known: Known | undefined;
    isOver = false;
    private turn = 0;

    constructor(private readonly scheduler: fc.Scheduler) {}

    /** The processor's history in its order; each move may start handlers, which run while it goes on. */
    async live(states: readonly State[], handlers: readonly (readonly string[])[]): Promise<void> {
      const running: Promise<void>[] = [];
      for (const [n, state] of states.entries()) {
        await this.scheduler.schedule(Promise.resolve(), 'move');
        this.truth = state;
        running.push(...(handlers[n] ?? []).map((fate) => this.handle(fate)));
      }
      this.isOver = true;
      await Promise.all(running);
    }

    async handle(fate: string): Promise<void> {
      await this.scheduler.schedule(Promise.resolve(), 'begin');
      if (fate === 'dies before it') return;
      const fetchSequence = (this.turn += 1);
      const word = await this.scheduler.schedule(Promise.resolve(), 'read').then(() => this.truth);
      await this.scheduler.schedule(Promise.resolve(), 'answer');
      if (fate !== 'whole') return;
      this.write({ ...word, asOf: at(0), fetchSequence });
    }

    reconcile(): void {
      this.write({ ...this.truth, asOf: at(0), fetchSequence: (this.turn += 1) });
    }

    private write(word: Known): void {
      if (isNewer(this.known, word, () => false)) this.known = word;
    }
  }

  const same = ({ status, planId, ended }: State) => ({ status, planId, ended });

  test('lost, repeated, delayed, shuffled, crashed: after reconciliation what is known is what the processor says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), history, async (scheduler, { states, handlers }) => {
        const world = new World(scheduler);
        await scheduler.waitFor(world.live(states, handlers));
        world.reconcile();
        expect(same(world.known as Known)).toEqual(same(world.truth));
      }),
      { numRuns: 500 },
    );
  });

  test('without any reconciliation too, once one handler began after the last move and lived', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), history, async (scheduler, { states, handlers }) => {
        const world = new World(scheduler);
        const others = world.live(states, handlers);
        while (!world.isOver) await scheduler.waitOne();
        // The others may still be under way, with older answers in their hands.
        await scheduler.waitFor(Promise.all([world.handle('whole'), others]));
        expect(same(world.known as Known)).toEqual(same(world.truth));
      }),
      { numRuns: 500 },
    );
  });
});

describe('where it cannot be asked', () => {
  test('with an end that is final and a clock that tells events apart, any order and repetition ends where it is', () => {
    const delivered = moves.chain((states) => {
      const indexes = [...states.keys()];
      return fc.record({
        states: fc.constant(states),
        order: fc
          .array(fc.constantFrom(...indexes), { maxLength: 10 })
          .chain((again) =>
            fc.shuffledSubarray([...indexes, ...again], { minLength: indexes.length + again.length }),
          ),
        skew: fc.integer({ min: -300, max: 300 }),
      });
    });
    fc.assert(
      fc.property(delivered, ({ states, order, skew }) => {
        let known: Known | undefined;
        for (const index of order) {
          const word = { ...(states[index] as State), asOf: at(index + skew) };
          if (isNewer(known, word, () => false)) known = word;
        }
        expect(known).toMatchObject(states.at(-1) as State);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a user with subscriptions at two processors, whose clocks differ', () => {
  const instant = fc.integer({ min: -400, max: 400 }).map(at);
  const subscription: fc.Arbitrary<Subscription> = fc.record({
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
  const several = fc.uniqueArray(subscription, {
    selector: ({ processor, subscriptionId }) => `${processor} ${subscriptionId}`,
    minLength: 1,
    maxLength: 5,
  });
  const shown = (one: Subscription, now: Date) => STATUS_RULES[statusAt(one.status, endOf(one), now)].grants;

  test('may watch exactly while one of the subscriptions lets them', () => {
    fc.assert(
      fc.property(several, instant, (subscriptions, now) => {
        const membership = membershipFrom(subscriptions, now);
        const isGranted = membership !== undefined && STATUS_RULES[membership.status].grants;
        expect(isGranted).toBe(subscriptions.some((one) => shown(one, now)));
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
        expect(membershipFrom(other, now)).toEqual(membershipFrom(one, now));
      }),
      { numRuns: 2_000 },
    );
  });

  test('once our clock ended a membership, it stays so until somebody says otherwise', () => {
    fc.assert(
      fc.property(several, instant, fc.nat(1_000), (subscriptions, now, later) => {
        const then = new Date(now.getTime() + later * 1_000);
        const stored = membershipFrom(subscriptions, now) as MembershipContent;
        const shownLater = statusAt(stored.status, stored.endsAt, then);
        expect(STATUS_RULES[shownLater].grants && !STATUS_RULES[stored.status].grants).toBe(false);
        // The worker that comes a moment later leaves nothing that is due: it would be at it for ever.
        const next = membershipFrom(subscriptions, then) as MembershipContent;
        expect(next.endsAt === null || next.endsAt > then).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
