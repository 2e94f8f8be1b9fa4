import { expect, jest } from '@jest/globals';
import type { Beat } from '../../../clients/web/src/index.js';
import type { FakeLine, Sent } from './fake-line.js';
import {
  createEvent,
  createSnapshot,
  createToken,
  createWelcome,
  expectKnown,
  type End,
  type Fields,
  type Scenario,
  type Step,
} from './scenario.js';
import { World } from './world.js';

const MAX_FRAME_BYTES = 16_384;
const DEFAULT_BEAT: Beat = { showId: 'dark', positionSeconds: 60, durationSeconds: 3_000, state: 'playing' };

/** Takes the steps of a scenario with the real client (clients/conformance/README.md). */
export class Runner {
  private readonly world: World;
  private dialled = 0;
  private line: FakeLine | undefined;
  private asked: Sent[] = [];

  /** @param network where the system's `online` is dispatched */
  constructor(
    private readonly scenario: Scenario,
    private readonly network: EventTarget,
  ) {
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

  private async take(step: Step): Promise<void> {
    const kind = Object.keys(step)[0] ?? '';
    const act = this.acts[kind];
    if (!act) throw new Error('unknown step');
    expectKnown('step', step, [kind, ...act.takes]);
    await act.run(step);
  }

  private readonly acts: Record<string, { takes: string[]; run(step: Step): unknown }> = {
    welcome: {
      takes: [],
      run: ({ welcome = {} }) =>
        this.current.sendFrame('welcome', createWelcome(welcome, this.world.serverNow())),
    },
    snapshot: { takes: [], run: ({ snapshot = {} }) => this.sendSnapshot(createSnapshot(snapshot)) },
    event: { takes: [], run: ({ event = {} }) => this.sendEvent(createEvent(event)) },
    frame: { takes: ['payload'], run: ({ frame = '', payload }) => this.current.sendFrame(frame, payload) },
    refuse: { takes: [], run: ({ refuse = {} }) => this.current.refuse(refuse) },
    reply: { takes: [], run: ({ reply }) => this.asked.forEach((sent) => this.current.reply(sent, reply)) },
    cut: { takes: [], run: () => this.current.cut() },
    pings: { takes: [], run: () => this.current.stopPings() },
    advanceMs: { takes: [], run: ({ advanceMs = 0 }) => jest.advanceTimersByTimeAsync(advanceMs) },
    sleepMs: { takes: [], run: ({ sleepMs = 0 }) => this.world.sleep(sleepMs) },
    setClockMs: { takes: [], run: ({ setClockMs = 0 }) => this.world.setClock(setClockMs) },
    online: { takes: [], run: () => this.network.dispatchEvent(new Event('online')) },
    token: { takes: [], run: ({ token = '' }) => this.world.setToken(token) },
    storage: {
      takes: [],
      run: (step) => (this.world.storageFails = choose(step.storage, ['fails', 'works']) === 'fails'),
    },
    handler: {
      takes: [],
      run: (step) => (this.world.handler = choose(step.handler, ['throws', 'closes', 'works'])),
    },
    restart: { takes: [], run: () => this.world.restart() },
    close: { takes: [], run: () => this.world.client.close() },
    call: { takes: ['beat', 'episodeIdLength', 'from', 'to', 'idLength'], run: (step) => this.call(step) },
    expect: { takes: ['auth', 'name', 'payload', 'ids', 'times'], run: (step) => this.expect(step) },
  };

  private get current(): FakeLine {
    if (!this.line) throw new Error('no connection was dialled');
    return this.line;
  }

  private async sendSnapshot(snapshot: Fields): Promise<void> {
    const asksForAck = snapshot['hasMore'] === true;
    this.current.sendFrame('snapshot', snapshot, { asksForAck });
    if (!asksForAck) return;
    await settle();
    if ([...this.current.unacked.values()].includes(snapshot))
      throw new Error('the page was not acknowledged');
  }

  private sendEvent(event: Fields & { type: string }): void {
    this.current.sendFrame(event.type, event, {
      asksForAck: event['offset'] !== undefined || event['broadcast'] !== undefined,
    });
  }

  private call({ call, beat, episodeIdLength = 0, from = 1, to = 0, idLength = 0 }: Step): void {
    const { world } = this;
    const numbers = Array.from({ length: to - from + 1 }, (_, n) => n + from);
    const long = episodeIdLength > 0 ? { episodeId: 'x'.repeat(episodeIdLength) } : {};
    if (call === 'heartbeat') world.call((client) => client.beat({ ...DEFAULT_BEAT, ...long, ...beat }));
    else if (call === 'heartbeats')
      for (const n of numbers) world.call((client) => client.beat({ ...DEFAULT_BEAT, showId: `show-${n}` }));
    else if (call === 'seen' || call === 'applied')
      for (const n of numbers) world.call((client) => client[call]({ id: `e-${n}`.padEnd(idLength, 'x') }));
    else throw new Error('unknown call');
  }

  private expect(step: Step): void {
    if (step.expect === 'dial') this.expectDial(step);
    else if (step.expect === 'sent') this.expectSent(step);
    else if (step.expect === 'closed') expectEqual(this.current.closedByClient, true);
    else if (step.expect === 'nothing') expectEqual(this.getPending(), []);
    else throw new Error('unknown expectation');
  }

  private expectDial({ auth = {} }: Step): void {
    const line = this.world.lines[this.dialled];
    if (!line?.auth) throw new Error('the client did not dial');
    if (this.line?.isOpen) throw new Error('the connection before is still open');
    this.line = line;
    this.dialled++;
    for (const [name, value] of Object.entries(auth)) {
      const expected = name === 'token' && value !== null ? createToken(value) : (value ?? undefined);
      expectEqual([name, line.auth[name]], [name, expected]);
    }
  }

  private expectSent({ name, payload = {}, ids, times = 1 }: Step): void {
    const { token, ...fields } = payload;
    const expected = token === undefined ? fields : { ...fields, token: createToken(token as string) };
    this.asked = this.current.sent.splice(0, times);
    expectEqual(this.asked.length, times);
    for (const sent of this.asked) {
      expectLike(sent, { name, payload: expected });
      if (ids !== undefined) expectEqual((sent.payload['ids'] as unknown[]).length, ids);
    }
  }

  /** Returns what the client did that no step took. */
  private getPending(): string[] {
    const messages = this.world.lines.flatMap((line) => line.sent.map(({ name }) => name));
    return [...this.world.lines.slice(this.dialled).map(() => 'dial'), ...messages];
  }

  private checkEnd({ stored, storedFor = {}, known = {}, ...exact }: End): void {
    const { record, client, lines } = this.world;
    expectEqual(this.getPending(), []);
    expectEqual(
      lines.filter((line) => line.largestFrameBytes > MAX_FRAME_BYTES),
      [],
    );
    const { membership, playback, entries, position, connection: state } = client.state;
    const frames = lines.reduce((sum, line) => sum + line.messages, 0);
    expectFields('end', { ...record, state, frames }, exact);
    expectFields(
      'known',
      {
        'membership.version': membership?.version,
        'membership.status': membership?.status,
        playback: playback.map(({ showId, positionSeconds }) => [showId, positionSeconds]),
        entries: entries.map(({ offset }) => offset),
        position,
      },
      known,
    );
    for (const [user, expected] of Object.entries(
      stored === undefined ? storedFor : { ...storedFor, ann: stored },
    )) {
      const actual = this.world.getStored(user);
      expectLike({ user, actual }, { user, actual: expected });
    }
    if (state === 'closed') expectEqual(jest.getTimerCount(), 0);
  }
}

function choose(value: string | undefined, known: readonly string[]): string {
  if (value === undefined || !known.includes(value)) throw new Error(`unknown value ${value}`);
  return value;
}

function expectEqual(actual: unknown, expected: unknown): void {
  expect(actual).toEqual(expected);
}

/** Checks the fields that are expected; others may be there. */
function expectLike(actual: object, expected: Record<string, unknown>): void {
  expect(actual).toMatchObject(expected);
}

/** Checks the fields that are expected, and that all of them are known. */
function expectFields(what: string, actual: Fields, expected: Fields): void {
  expectKnown(what, expected, Object.keys(actual));
  for (const [name, value] of Object.entries(expected)) expect([name, actual[name]]).toEqual([name, value]);
}

/** Runs everything that needs no time: promises, and what they start. */
async function settle(): Promise<void> {
  for (let n = 0; n < 3; n++) await jest.advanceTimersByTimeAsync(0);
}
