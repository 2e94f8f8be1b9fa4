import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { ConnectOptions } from '../../clients/web/src/index.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';
import { TcpProxy } from '../../tools/tcp-proxy.mjs';
import {
  closeClients,
  eventually,
  MemoryStorage,
  openClient,
  type TestClient,
  waitForConnection,
} from './test-client.js';

/** The scenarios that every client also plays with a real server (clients/conformance/README.md). */
describe('the web client with a real Usher, through a line that is cut', () => {
  let usher: TestUsher;
  let proxy: TcpProxy;
  let user: string;
  let users = 0;
  let published = 0;
  beforeAll(async () => void (usher = await startUsher()));
  afterAll(() => usher.stop());
  beforeEach(async () => {
    user = `live-${++users}`;
    published = 0;
    proxy = await TcpProxy.start(usher.url);
  });
  afterEach(() => {
    closeClients();
    proxy.close();
  });

  const open = async (options: Partial<ConnectOptions> = {}) => {
    const app = openClient(proxy.url, { deviceId: 'tv', token: () => usher.token(user), ...options });
    await waitForConnection(app, 'live');
    return app;
  };
  /** Publishes so many events, with keys of their own unless one is given. */
  const publish = async (count: number, fields: object = {}) => {
    for (let n = 0; n < count; n++) {
      const key = `note:${++published}`;
      const event = { userId: user, type: 'note', tier: 'important', key, data: {}, ...fields };
      expect((await usher.backOffice.publish([event])).status).toBe(202);
    }
  };
  const untilHeard = (app: TestClient, offsets: number[]) =>
    eventually(() => expect(app.getOffsets()).toEqual(offsets));
  const cutDuring = async (app: TestClient, act: () => Promise<void>) => {
    proxy.cut();
    await waitForConnection(app, 'offline');
    await act();
    proxy.restore();
    await waitForConnection(app, 'live');
  };

  test('position/fresh-device: it hears nothing of the past, and everything after it', async () => {
    await publish(2);
    const app = await open();
    await publish(1);
    await untilHeard(app, [3]);
    expect(app.client.state.entries.map(({ offset }) => offset)).toEqual([1, 2, 3]);
  });

  test('position/restart: it hears only what it had not heard', async () => {
    const storage = new MemoryStorage();
    const first = await open({ storage });
    await publish(1);
    await untilHeard(first, [1]);
    first.client.close();
    await publish(2);
    const second = await open({ storage });
    await untilHeard(second, [2, 3]);
  });

  test('position/short-break: it hears what it missed once, in order', async () => {
    const app = await open();
    await publish(1);
    await untilHeard(app, [1]);
    await cutDuring(app, () => publish(3));
    await publish(1);
    await untilHeard(app, [1, 2, 3, 4, 5]);
  });

  test('position/compacted: offsets that a replay leaves out are no hole', async () => {
    const app = await open();
    await cutDuring(app, () => publish(4, { key: 'same' }));
    await publish(1);
    await untilHeard(app, [4, 5]);
  });

  test('position/silent: an event for another device is not heard and leaves no gap', async () => {
    const [tv, phone] = [await open(), await open({ deviceId: 'phone' })];
    await publish(1, { deviceId: 'phone' });
    await publish(1);
    await untilHeard(tv, [2]);
    await untilHeard(phone, [1, 2]);
  });

  test('connection/superseded: the older connection of a device closes for good', async () => {
    const first = await open();
    const refused: string[] = [];
    first.client.on('refused', ({ code }) => void refused.push(code));
    const second = await open();
    await waitForConnection(first, 'closed');
    expect(refused).toEqual(['superseded']);
    await publish(1);
    await untilHeard(second, [1]);
  });

  test('token/account-switch: the next user inherits nothing, and the first one misses nothing', async () => {
    const storage = new MemoryStorage();
    const app = await open({ storage });
    await publish(2);
    await untilHeard(app, [1, 2]);
    const first = user;
    await cutDuring(app, () => {
      user = `${first}-bob`;
      return publish(1);
    });
    expect(app.client.state.entries.map(({ offset }) => offset)).toEqual([1]);
    expect(app.getOffsets()).toEqual([1, 2]); // the first event of the next user is of the past
    await publish(1);
    await untilHeard(app, [1, 2, 2]);
    await cutDuring(app, () => {
      user = first;
      return publish(1);
    });
    await untilHeard(app, [1, 2, 2, 3]);
  });

  test('outgoing/receipts: 300 receipts that waited are all taken', async () => {
    const app = await open();
    await publish(300);
    await eventually(() => expect(app.getOffsets()).toHaveLength(300));
    const calls: Promise<void>[] = [];
    await cutDuring(app, async () => {
      for (const event of app.received) calls.push(app.client.seen(event));
    });
    await expect(Promise.all(calls)).resolves.toHaveLength(300);
  });
});
