import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { FakeLine, Sent } from './conformance/fake-line.js';
import {
  createEvent,
  createSnapshot,
  createToken,
  createWelcome,
  expectKnown,
  readScenarios,
  type Fields,
  type Scenario,
} from './conformance/scenario.js';
import { World } from './conformance/world.js';

const MAX_FRAME_BYTES = 16_384;
const network = new EventTarget();
const START = Date.parse('2026-01-01T00:00:00.000Z');

/** Runs a scenario with the real client (clients/conformance/README.md). */
class Runner {
  private readonly world: World;
  private dialled = 0;
  private line: FakeLine | undefined;
  private asked: Sent[] = [];

  constructor(private readonly scenario: Scenario) {
    this.world = new World(scenario.given ?? {});
  }

  async run(): Promise<void> {
    await settle();
    for (const [n, step] of this.scenario.steps.entries()) {
      try {
        await this.take(step);
        await settle();
      } catch (error) {
        throw new Error(`step ${n + 1} ${JSON.stringify(step)}: ${String(error)}`, { cause: error });
      }
    }
    this.checkEnd(this.scenario.end);
  }

  close(): void {
    this.world.client.close();
  }

  private async take(step: Fields): Promise<void> {
    const kind = Object.keys(step)[0] ?? '';
    const act = this.acts[kind];
    if (!act) throw new Error('unknown step');
    expectKnown('step', step, [kind, ...act.args]);
    await act.run(step);
  }

  private readonly acts: Record<string, { args: string[]; run(step: Fields): unknown }> = {
    welcome: {
      args: [],
      run: ({ welcome }) => this.current.sendFrame('welcome', createWelcome(welcome as Fields)),
    },
    snapshot: { args: [], run: ({ snapshot }) => this.sendSnapshot(createSnapshot(snapshot as Fields)) },
    event: { args: [], run: ({ event }) => this.sendEvent(createEvent(event as Fields)) },
    frame: { args: ['payload'], run: ({ frame, payload }) => this.current.sendFrame(String(frame), payload) },
    refuse: { args: [], run: ({ refuse }) => this.current.refuse(refuse as Fields) },
    reply: { args: [], run: ({ reply }) => this.asked.forEach((sent) => this.current.reply(sent, reply)) },
    cut: { args: [], run: () => this.current.cut() },
    pings: { args: [], run: () => this.current.stopPings() },
    advanceMs: { args: [], run: ({ advanceMs }) => jest.advanceTimersByTimeAsync(Number(advanceMs)) },
    online: { args: [], run: () => network.dispatchEvent(new Event('online')) },
    token: { args: [], run: ({ token }) => this.world.setToken(String(token)) },
    storage: { args: [], run: ({ storage }) => (this.world.storageFails = storage === 'fails') },
    handler: { args: [], run: ({ handler }) => (this.world.handlerThrows = handler === 'throws') },
    call: { args: ['beat', 'from', 'to'], run: (step) => this.call(step) },
    restart: { args: [], run: () => this.world.restart() },
    close: { args: [], run: () => this.world.client.close() },
    expect: { args: ['auth', 'name', 'payload', 'ids', 'times'], run: (step) => this.expect(step) },
  };

  private get current(): FakeLine {
    if (!this.line) throw new Error('no connection was dialled');
    return this.line;
  }

  private sendSnapshot(snapshot: Fields): Promise<void> | void {
    const asksForAck = snapshot['hasMore'] === true;
    this.current.sendFrame('snapshot', snapshot, { asksForAck });
    if (asksForAck)
      return settle().then(() => expect([...this.current.unacked.values()]).not.toContain(snapshot));
  }

  private sendEvent(event: Fields & { type: string }): void {
    this.current.sendFrame(event.type, event, { asksForAck: event['offset'] !== undefined });
  }

  private call({ call, beat, from, to }: Fields): void {
    const common = { showId: 'dark', positionSeconds: 60, durationSeconds: 3_000, state: 'playing' as const };
    const numbers = Array.from({ length: Number(to) - Number(from) + 1 }, (_, n) => n + Number(from));
    const { world } = this;
    if (call === 'heartbeat') world.call((client) => client.beat({ ...common, ...(beat as Fields) }));
    else if (call === 'heartbeats')
      for (const n of numbers) world.call((client) => client.beat({ ...common, showId: `show-${n}` }));
    else if (call === 'seen' || call === 'applied')
      for (const n of numbers) world.call((client) => client[call]({ id: `e-${n}` }));
    else throw new Error('unknown call');
  }

  private expect(step: Fields): void {
    if (step['expect'] === 'dial') return this.expectDial(step['auth'] as Fields | undefined);
    if (step['expect'] === 'sent') return this.expectSent(step);
    if (step['expect'] === 'closed') return expect(this.current.closedByClient).toBe(true);
    if (step['expect'] !== 'nothing') throw new Error('unknown expectation');
    expect(this.getPending()).toEqual([]);
  }

  private expectDial(auth: Fields = {}): void {
    const line = this.world.lines[this.dialled];
    if (!line?.auth) throw new Error('the client did not dial');
    if (this.line) expect(this.line.isOpen).toBe(false);
    this.line = line;
    this.dialled++;
    for (const [name, value] of Object.entries(auth)) {
      const expected = name === 'token' ? createToken(String(value)) : (value ?? undefined);
      expect([name, line.auth[name]]).toEqual([name, expected]);
    }
  }

  private expectSent({ name, payload = {}, ids, times = 1 }: Fields): void {
    this.asked = this.current.sent.splice(0, Number(times));
    expect(this.asked).toHaveLength(Number(times));
    for (const sent of this.asked) {
      expect(sent).toMatchObject({ name, payload });
      if (ids !== undefined) expect(sent.payload['ids']).toHaveLength(Number(ids));
    }
  }

  /** Returns what the client did that no step took. */
  private getPending(): string[] {
    const messages = this.world.lines.flatMap((line) => line.sent.map(({ name }) => name));
    return [...this.world.lines.slice(this.dialled).map(() => 'dial'), ...messages];
  }

  private checkEnd(end: Fields): void {
    expect(this.getPending()).toEqual([]);
    for (const line of this.world.lines) expect(line.largestFrameBytes).toBeLessThanOrEqual(MAX_FRAME_BYTES);
    const { record, client, lines } = this.world;
    const { state } = client;
    const results: Record<string, unknown> = {
      ...record,
      state: state.connection,
      frames: lines.reduce((sum, line) => sum + line.messages, 0),
    };
    const { stored, storedFor, known, ...exact } = end;
    expectKnown('end', exact, Object.keys(results));
    for (const [name, value] of Object.entries(exact)) expect([name, results[name]]).toEqual([name, value]);
    const byUser = { ...(storedFor as Fields), ...(stored !== undefined && { ann: stored }) };
    for (const [user, position] of Object.entries(byUser)) {
      const actual = this.world.getStored(user);
      if (position === null) expect([user, actual]).toEqual([user, null]);
      else expect([user, actual]).toMatchObject([user, position]);
    }
    if (known) this.checkKnown(known as Fields);
    if (state.connection === 'closed') expect(jest.getTimerCount()).toBe(0);
  }

  private checkKnown(known: Fields): void {
    const { membership, playback, entries, position } = this.world.client.state;
    const results: Record<string, unknown> = {
      'membership.version': membership?.version,
      'membership.status': membership?.status,
      playback: playback.map(({ showId, positionSeconds }) => [showId, positionSeconds]),
      entries: entries.map(({ offset }) => offset),
      position,
    };
    expectKnown('known', known, Object.keys(results));
    for (const [name, value] of Object.entries(known)) expect([name, results[name]]).toEqual([name, value]);
  }
}

/** Runs everything that needs no time: promises, and what they start. */
async function settle(): Promise<void> {
  for (let n = 0; n < 3; n++) await jest.advanceTimersByTimeAsync(0);
}

describe('the web client does what every client does', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: START, doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    const { addEventListener, removeEventListener } = EventTarget.prototype;
    Object.assign(globalThis, {
      addEventListener: addEventListener.bind(network),
      removeEventListener: removeEventListener.bind(network),
    });
  });
  afterEach(() => {
    Reflect.deleteProperty(globalThis, 'addEventListener');
    Reflect.deleteProperty(globalThis, 'removeEventListener');
    jest.useRealTimers();
  });

  test.each(readScenarios().map((scenario) => [scenario.id, scenario.promise, scenario] as const))(
    '%s: %s',
    async (_id, _promise, scenario) => {
      const runner = new Runner(scenario);
      try {
        await runner.run();
      } finally {
        runner.close();
      }
    },
  );
});
