import { jest } from '@jest/globals';
import { UsherError, type Envelope, type Position } from '../../../clients/web/src/index.js';
import { PositionStore } from '../../../clients/web/src/position-store.js';
import { Usher } from '../../../clients/web/src/usher.js';
import { createDial, FakeLine } from './fake-line.js';
import { createToken, expectKnown, type Fields, type Given } from './scenario.js';

const URL = 'https://usher.test';

/** What one scenario runs in: the app with the real client, its storage and tokens, and a record of what they did. */
export class World {
  readonly lines: FakeLine[] = [];
  readonly record = {
    heard: [] as unknown[],
    acked: [] as unknown[],
    log: [] as string[],
    errors: [] as string[],
    offline: [] as string[],
    refused: null as string | null,
    retryable: {} as Record<string, boolean>,
    calls: { ok: 0, failed: {} as Record<string, number> },
    tokens: 0,
  };
  handler = 'works';
  storageFails = false;
  /** By how much the system's clock was set. */
  private setBy = 0;
  private readonly items = new Map<string, string>();
  private readonly hanging: ((token: string) => void)[] = [];
  private token: string;
  private current: Usher | undefined;

  constructor(private readonly given: Given) {
    expectKnown('given', given, ['random', 'token', 'fixedToken', 'stored']);
    this.token = given.token ?? 'ann';
    for (const [user, position] of Object.entries(given.stored ?? {}))
      this.getStore(this.items).save(user, position);
    this.start();
  }

  get client(): Usher {
    if (!this.current) throw new Error('no client');
    return this.current;
  }

  /** The app ends without closing its client. Nothing that this one does from now on counts. */
  restart(): void {
    const { current } = this;
    this.current = undefined;
    for (const line of this.lines) line.stopPings();
    jest.clearAllTimers();
    current?.close(); // removes its listener of the network
    this.start();
  }

  setToken(token: string): void {
    this.token = token;
    if (token !== 'hangs') for (const resolve of this.hanging.splice(0)) resolve(createToken(token));
  }

  /** The true time in ms, as the server has it. */
  serverNow(): number {
    return Date.now() - this.setBy;
  }

  /** The machine sleeps: no timer fires, and `performance.now()` stands still, as in some browsers. */
  sleep(ms: number): void {
    jest.setSystemTime(Date.now() + ms);
  }

  setClock(ms: number): void {
    this.setBy += ms;
    jest.setSystemTime(Date.now() + ms);
  }

  call(act: (client: Usher) => Promise<unknown>): void {
    const { retryable: mayRetry } = this.record;
    const { failed } = this.record.calls;
    act(this.client).then(
      () => void this.record.calls.ok++,
      ({ code, retryable }: UsherError) => {
        failed[code] = (failed[code] ?? 0) + 1;
        mayRetry[code] = retryable;
      },
    );
  }

  getStored(userId: string): unknown {
    return this.getStore(this.items).load(userId) ?? null;
  }

  private start(): void {
    const isCurrent = () => this.current === client;
    const { record } = this;
    const fetchToken = () => {
      record.tokens++;
      if (this.token === 'fails') throw new Error('no token');
      if (this.token !== 'hangs') return createToken(this.token);
      return new Promise<string>((resolve) => void this.hanging.push(resolve));
    };
    const onAck = ({ offset, broadcast, id }: Fields) => {
      const acked = broadcast === undefined ? offset : id;
      if (acked === undefined || !isCurrent()) return;
      record.acked.push(acked);
      record.log.push(`acked ${acked as number | string}`);
    };
    const dial = createDial(() => {
      const line = new FakeLine(onAck);
      if (isCurrent()) this.lines.push(line);
      return line;
    });
    const { random = 0.5, fixedToken = false } = this.given;
    const client = new Usher(
      {
        url: URL,
        token: fixedToken ? createToken(this.token) : fetchToken,
        deviceId: 'tv',
        platform: 'tv',
        random: () => random,
        storage: {
          getItem: (name) => this.items.get(name) ?? null,
          removeItem: (name) => void this.items.delete(name),
          setItem: (name, value) => {
            if (this.storageFails) throw new Error('full');
            record.log.push(`stored ${(JSON.parse(value) as Position).offset}`);
            this.items.set(name, value);
          },
        },
      },
      dial,
    );
    this.current = client;
    client.on('*', (event) => isCurrent() && this.hear(event));
    client.on('error', (error) => isCurrent() && record.errors.push(codeOf(error)));
    client.on('offline', ({ code }) => isCurrent() && record.offline.push(code));
    client.on('refused', ({ code }) => isCurrent() && (record.refused = code));
  }

  private hear({ offset, id }: Envelope): void {
    this.record.heard.push(offset ?? id);
    this.record.log.push(`heard ${offset ?? id}`);
    if (this.handler === 'closes') this.client.close();
    if (this.handler === 'throws') throw new TypeError('the app has a bug');
  }

  private getStore(items: Map<string, string>): PositionStore {
    const storage = {
      getItem: (name: string) => items.get(name) ?? null,
      setItem: (name: string, value: string) => void items.set(name, value),
      removeItem: (name: string) => void items.delete(name),
    };
    return new PositionStore(storage, URL, 'tv');
  }
}

function codeOf(error: unknown): string {
  return error instanceof UsherError ? error.code : 'app';
}
