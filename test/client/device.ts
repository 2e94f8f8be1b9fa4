import {
  connect,
  type Connection,
  type ConnectOptions,
  type Envelope,
  type PositionStorage,
  type Usher,
} from '../../clients/web/src/index.js';
import { eventually } from './eventually.js';
import { tokenFor } from './pretend.js';

/** A storage that outlives the app, as a browser's does, and tells what was written. */
export class Disk implements PositionStorage {
  readonly items = new Map<string, string>();
  onWrite: (value: string) => void = () => undefined;
  getItem = (name: string) => this.items.get(name) ?? null;
  removeItem = (name: string) => void this.items.delete(name);
  setItem = (name: string, value: string) => {
    this.items.set(name, value);
    this.onWrite(value);
  };
}

/** A promise that a test fulfils when it likes. */
export function later<Value>(): { promise: Promise<Value>; give: (value: Value) => void } {
  const hands: ((value: Value) => void)[] = [];
  const promise = new Promise<Value>((resolve) => void hands.push(resolve));
  return { promise, give: (value) => hands.forEach((hand) => hand(value)) };
}

const open: Usher[] = [];

/** An app under test: a client without waiting between attempts, and what its listeners heard. */
export function device(url: string, options: Partial<ConnectOptions> = {}) {
  const client = connect({
    url,
    token: tokenFor('ann'),
    deviceId: 'tv',
    platform: 'tv',
    storage: new Disk(),
    random: () => 0,
    ...options,
  });
  open.push(client);
  const heard: Envelope[] = [];
  client.on('*', (event) => void heard.push(event));
  return { client, heard, offsets: () => heard.map((event) => event.offset) };
}

/** The connection has become so. */
export function turns(app: { client: Usher }, connection: Connection): Promise<boolean> {
  return eventually(() => app.client.state.connection === connection);
}

export function closeDevices(): void {
  for (const client of open.splice(0)) client.close();
}
