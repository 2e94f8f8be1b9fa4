import {
  connect,
  type Connection,
  type ConnectOptions,
  type Envelope,
  type PositionStorage,
  type Usher,
} from '../../clients/web/src/index.js';
import { createToken } from './fake-server.js';

/** A storage in memory. It outlives a client, as a browser's storage outlives the app. */
export class MemoryStorage implements PositionStorage {
  readonly items = new Map<string, string>();
  onWrite: (value: string) => void = () => undefined;
  getItem = (name: string) => this.items.get(name) ?? null;
  removeItem = (name: string) => void this.items.delete(name);
  setItem = (name: string, value: string) => {
    this.items.set(name, value);
    this.onWrite(value);
  };
}

/** Returns a promise and the function that resolves it. */
export function deferred<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  const resolvers: ((value: Value) => void)[] = [];
  const promise = new Promise<Value>((resolve) => void resolvers.push(resolve));
  return { promise, resolve: (value) => resolvers.forEach((resolve) => resolve(value)) };
}

/**
 * Calls `check` until it neither throws nor returns false, and returns its result. After the timeout it throws what `check` threw
 * last. Unlike `test/support/eventually.ts` it accepts expectations.
 */
export async function eventually<Result>(check: () => Result, timeoutMs = 8_000): Promise<Result> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      const result = check();
      if (result !== false) return result;
      if (Date.now() > deadline) throw new Error(`never became true: ${check.toString()}`);
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const openClients: Usher[] = [];

/** Opens a client that reconnects without delay, and records the events that its listeners receive. */
export function openClient(url: string, options: Partial<ConnectOptions> = {}) {
  const client = connect({
    url,
    token: createToken('ann'),
    deviceId: 'tv',
    platform: 'tv',
    storage: new MemoryStorage(),
    random: () => 0,
    ...options,
  });
  openClients.push(client);
  const received: Envelope[] = [];
  client.on('*', (event) => void received.push(event));
  return { client, received, getOffsets: () => received.map((event) => event.offset) };
}

export type TestClient = ReturnType<typeof openClient>;

export function waitForConnection({ client }: TestClient, connection: Connection): Promise<boolean> {
  return eventually(() => client.state.connection === connection);
}

/** Closes every client that the test opened. */
export function closeClients(): void {
  for (const client of openClients.splice(0)) client.close();
}
