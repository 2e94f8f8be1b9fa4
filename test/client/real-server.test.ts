import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { ConnectOptions, State } from '../../clients/web/src/index.js';
import { call } from '../support/drivers/back-office.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';
import { closeClients, openClient, MemoryStorage, waitForConnection, eventually } from './test-client.js';
import { TcpProxy } from '../../tools/tcp-proxy.mjs';

describe('the client with the real server', () => {
  let usher: TestUsher;
  let proxy: TcpProxy;
  let user: string;
  let users = 0;
  beforeAll(async () => void (usher = await startUsher()));
  afterAll(() => usher.stop());
  beforeEach(async () => {
    user = `user-${++users}`;
    proxy = await TcpProxy.start(usher.url);
  });
  afterEach(() => {
    closeClients();
    proxy.close();
  });

  const openDevice = async (deviceId: string, options: Partial<ConnectOptions> = {}) => {
    const opened = openClient(proxy.url, { deviceId, token: () => usher.token(user), ...options });
    await waitForConnection(opened, 'live');
    return opened;
  };
  const publish = async (n: number, more: Record<string, unknown> = {}, node = usher) => {
    const event = { userId: user, type: 'note', tier: 'important', key: `note:${n}`, data: { n }, ...more };
    expect((await node.backOffice.publish([event])).status).toBe(202);
  };
  /** Returns the response of `GET /v1/me/state`. */
  const getServerState = async () => {
    const { body } = await call(usher.url, await usher.token(user), 'GET', '/v1/me/state');
    return body as unknown as State;
  };
  const expectServerState = async (opened: ReturnType<typeof openClient>) => {
    const expected = await getServerState();
    await eventually(() => expect(opened.client.state.position).toEqual(expected.position));
    const { entries, playback, membership } = opened.client.state;
    expect(entries).toEqual(expected.entries);
    expect(playback).toEqual(expected.playback);
    expect(membership).toEqual(expected.membership);
  };

  test('events are delivered live and in order, and the state equals the server’s', async () => {
    const tv = await openDevice('tv');
    for (const n of [1, 2, 3, 2]) await publish(n);
    await eventually(() => expect(tv.getOffsets()).toEqual([1, 2, 3, 4]));
    await expectServerState(tv);
  });

  test('after an interruption the newest missed event of each key is delivered once', async () => {
    const tv = await openDevice('tv');
    await publish(1);
    await eventually(() => expect(tv.getOffsets()).toEqual([1]));
    proxy.cut();
    await waitForConnection(tv, 'offline');
    for (const n of [2, 3, 2]) await publish(n);
    proxy.restore();
    await eventually(() => expect(tv.getOffsets()).toEqual([1, 3, 4]));
    await publish(5);
    await eventually(() => expect(tv.getOffsets()).toEqual([1, 3, 4, 5]));
    await expectServerState(tv);
  });

  test('an event that got lost on the network is requested, and nothing is delivered out of order', async () => {
    const tv = await openDevice('tv');
    proxy.dropNext('"lost"');
    await publish(1, { data: 'lost' });
    await eventually(() => proxy.hasDroppedAll);
    await publish(2);
    await eventually(() => expect(tv.getOffsets()).toEqual([1, 2]));
    await expectServerState(tv);
  });

  test('when its node dies, the device resumes at its position on another one', async () => {
    const other = await usher.another();
    proxy.setTarget(other.url);
    const tv = await openDevice('tv');
    await publish(1, {}, other);
    await eventually(() => expect(tv.getOffsets()).toEqual([1]));
    await other.kill('SIGKILL');
    proxy.setTarget(usher.url);
    await publish(2);
    await eventually(() => expect(tv.getOffsets()).toEqual([1, 2]));
    await expectServerState(tv);
  });

  test('a restarted app delivers only the missed events, and has the whole state', async () => {
    const storage = new MemoryStorage();
    const before = await openDevice('tv', { storage });
    await publish(1);
    await eventually(() => expect(before.getOffsets()).toEqual([1]));
    before.client.close();
    await publish(2);
    const after = await openDevice('tv', { storage });
    expect(after.getOffsets()).toEqual([2]);
    await expectServerState(after);
  });

  test('a beat updates the state of the other devices, and its own', async () => {
    const tv = await openDevice('tv');
    const phone = await openDevice('phone');
    const beat = { showId: 'dark', positionSeconds: 610, durationSeconds: 3_000, state: 'playing' as const };
    await expect(tv.client.beat(beat)).resolves.toEqual({ nextSeconds: 60 });
    await eventually(() => expect(phone.client.state.playback).toMatchObject([{ ...beat, deviceId: 'tv' }]));
    expect(tv.client.state.playback).toMatchObject([{ ...beat, deviceId: 'tv' }]);
    expect(tv.received).toEqual([]);
  });

  test('a payment changes the membership and the entitlement on the device', async () => {
    const tv = await openDevice('tv');
    expect(tv.client.state.membership).toMatchObject({ version: 0, status: 'none' });
    await usher.backOffice.putPlan('gold', ['price_gold']);
    const subscription = { id: `sub_${user}`, userId: user, price: 'price_gold', status: 'active' };
    await usher.stripe.sendEvent('customer.subscription.created', subscription);
    await eventually(() =>
      expect(tv.client.state.membership).toMatchObject({ status: 'active', planId: 'gold' }),
    );
    expect(tv.client.state.entitlement?.capabilities.streaming).toBe(true);
    await expectServerState(tv);
    const [event] = tv.received;
    await expect(tv.client.applied(event ?? { id: '' })).resolves.toBeUndefined();
  });

  test('a receipt for an event that this device never received is refused', async () => {
    const tv = await openDevice('tv');
    const unknownEvent = { id: '7f5a3a0e-5d0c-4c0e-9d0a-0123456789ab' };
    await expect(tv.client.seen(unknownEvent)).rejects.toMatchObject({
      code: 'unknown_event',
      retryable: false,
    });
  });

  test('an event that was seen on one device is reported to the others', async () => {
    const tv = await openDevice('tv');
    const phone = await openDevice('phone');
    await publish(1);
    await eventually(() => tv.received.length === 1);
    await tv.client.receipt({ offset: 1, state: 'seen' });
    const getReceipts = () =>
      phone.received.filter((event) => event.type === 'receipts.changed').map((event) => event.data);
    await eventually(() => expect(getReceipts()).toEqual([{ ids: [tv.received[0]?.id], state: 'seen' }]));
  });

  test('an event for one device is delivered only there, and leaves no gap on the others', async () => {
    const tv = await openDevice('tv');
    const phone = await openDevice('phone');
    await publish(1, { deviceId: 'phone' });
    await publish(2);
    await eventually(() => expect(phone.getOffsets()).toEqual([1, 2]));
    await eventually(() => expect(tv.getOffsets()).toEqual([2]));
    expect(tv.client.state.position?.offset).toBe(2);
  });

  test('a token that is about to expire is replaced without a reconnect, and an expired one during the handshake', async () => {
    const lifetimes = ['-1 minute', '30 seconds', '1h'];
    let fetched = 0;
    const codes: string[] = [];
    const tv = openClient(proxy.url, {
      token: () => usher.token(user, { expiresIn: lifetimes[fetched++] ?? '1h' }),
    });
    tv.client.on('offline', (error) => void codes.push(error.code));
    await waitForConnection(tv, 'live'); // with the second token: the first is refused in the handshake
    await eventually(() => fetched === 3); // the server asks a minute before the end, so at once
    await publish(1);
    await eventually(() => expect(tv.getOffsets()).toEqual([1]));
    expect(codes).toEqual([]);
  });

  test('a token with a wrong signature closes the client', async () => {
    const token = await usher.token(user, { secret: 'a secret that the server does not know, long enough' });
    const refused: string[] = [];
    const tv = openClient(proxy.url, { token });
    tv.client.on('refused', (error) => void refused.push(error.code));
    await waitForConnection(tv, 'closed');
    expect(refused).toEqual(['token_invalid']);
  });

  test('however often the connection breaks, each event is delivered at most once and in order, and the state is right', async () => {
    const tv = await openDevice('tv');
    for (let n = 1; n <= 60; n++) {
      const published = publish(n % 7);
      if (n % 9 === 0) proxy.cut();
      if (n % 9 === 2) proxy.restore();
      await published;
    }
    proxy.restore();
    await expectServerState(tv);
    const offsets = tv.getOffsets().map(Number);
    expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
    expect(offsets).toEqual(
      expect.arrayContaining((await getServerState()).entries.map((entry) => entry.offset)),
    );
  });
});
