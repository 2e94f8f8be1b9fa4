import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MEMBERSHIP_STATUSES } from '../../mailbox/events/event-data.schema.js';
import type { Status } from '../membership.js';
import { isNewer } from '../subscriptions/update-rules.js';

/** A subscription's state at the processor, and (Known) what is stored of it here. */
interface State {
  readonly status: Status;
  readonly planId: string;
  readonly ended: boolean;
}
interface Known extends State {
  readonly asOf: Date;
  readonly fetchSequence?: number;
}

/** What becomes of the handler of a webhook. */
type Fate = 'completes' | 'crashes after the fetch' | 'crashes before the fetch';

const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 20) + seconds * 1_000);
const FIRST: State = { status: 'none', planId: 'a', ended: false };

/** The states of one subscription in their order; an end is the last. */
const histories = fc
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

describe('webhooks of a processor with an API, where each starts a fetch', () => {
  /** For each state the handlers of its webhook: none when it was lost, several when it was repeated; some crash on the way. */
  const deliveries = histories.chain((states) =>
    fc.record({
      states: fc.constant(states),
      handlers: fc.array(
        fc.array(fc.constantFrom<Fate>('completes', 'crashes after the fetch', 'crashes before the fetch'), {
          maxLength: 3,
        }),
        { minLength: states.length, maxLength: states.length },
      ),
    }),
  );

  /** A processor, a table, and webhook handlers whose fetches and writes are interleaved by the scheduler. */
  class Simulation {
    actual: State = FIRST;
    known: Known | undefined;
    hasEnded = false;
    private fetchSequence = 0;

    constructor(private readonly scheduler: fc.Scheduler) {}

    /** Plays the processor's history in its order; each state may start handlers, which run while the history goes on. */
    async run(states: readonly State[], handlers: readonly (readonly Fate[])[]): Promise<void> {
      const running: Promise<void>[] = [];
      for (const [n, state] of states.entries()) {
        await this.scheduler.schedule(Promise.resolve(), 'next state');
        this.actual = state;
        running.push(...(handlers[n] ?? []).map((fate) => this.handle(fate)));
      }
      this.hasEnded = true;
      await Promise.all(running);
    }

    async handle(fate: Fate): Promise<void> {
      await this.scheduler.schedule(Promise.resolve(), 'begin');
      if (fate === 'crashes before the fetch') return;
      const fetchSequence = (this.fetchSequence += 1);
      const state = await this.scheduler.schedule(Promise.resolve(), 'fetch').then(() => this.actual);
      await this.scheduler.schedule(Promise.resolve(), 'response');
      if (fate !== 'completes') return;
      this.save({ ...state, asOf: at(0), fetchSequence });
    }

    reconcile(): void {
      this.save({ ...this.actual, asOf: at(0), fetchSequence: (this.fetchSequence += 1) });
    }

    private save(update: Known): void {
      if (isNewer(this.known, update, () => false)) this.known = update;
    }
  }

  const stateOf = ({ status, planId, ended }: State) => ({ status, planId, ended });

  test('lost, repeated, delayed, reordered, crashed: after reconciliation the stored state is the processor’s', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), deliveries, async (scheduler, { states, handlers }) => {
        const simulation = new Simulation(scheduler);
        await scheduler.waitFor(simulation.run(states, handlers));
        simulation.reconcile();
        expect(stateOf(simulation.known as Known)).toEqual(stateOf(simulation.actual));
      }),
      { numRuns: 150 },
    );
  });

  test('without reconciliation too, once a handler that began after the last state completes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), deliveries, async (scheduler, { states, handlers }) => {
        const simulation = new Simulation(scheduler);
        const others = simulation.run(states, handlers);
        while (!simulation.hasEnded) await scheduler.waitOne();
        // The others may still be running, with older responses to save.
        await scheduler.waitFor(Promise.all([simulation.handle('completes'), others]));
        expect(stateOf(simulation.known as Known)).toEqual(stateOf(simulation.actual));
      }),
      { numRuns: 150 },
    );
  });
});

describe('webhooks of a processor without an API', () => {
  test('lead to the processor’s last state in any order and with repetitions, if its clock orders the events and an end is final', () => {
    const delivered = histories.chain((states) => {
      const indexes = [...states.keys()];
      return fc.record({
        states: fc.constant(states),
        order: fc
          .array(fc.constantFrom(...indexes), { maxLength: 10 })
          .chain((repeated) =>
            fc.shuffledSubarray([...indexes, ...repeated], { minLength: indexes.length + repeated.length }),
          ),
        skew: fc.integer({ min: -300, max: 300 }),
      });
    });
    fc.assert(
      fc.property(delivered, ({ states, order, skew }) => {
        let known: Known | undefined;
        for (const index of order) {
          const update = { ...(states[index] as State), asOf: at(index + skew) };
          if (isNewer(known, update, () => false)) known = update;
        }
        expect(known).toMatchObject({ ...states.at(-1) });
      }),
      { numRuns: 1_000 },
    );
  });
});
