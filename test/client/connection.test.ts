import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { UsherError } from '../../clients/web/src/index.js';
import {
  closeClients,
  deferred,
  eventually,
  openClient,
  type TestClient,
  waitForConnection,
} from './test-client.js';
import { FakeServer, createToken } from './fake-server.js';

const countTimers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

const recordRefusals = (app: TestClient) => {
  const refused: UsherError[] = [];
  app.client.on('refused', (error) => void refused.push(error));
  return refused;
};

describe('the connection', () => {
  let server: FakeServer;
  beforeEach(async () => void (server = await FakeServer.start()));
  afterEach(async () => {
    closeClients();
    await server.close();
  });

  test('the handshake sends strings only, and the token is not part of the URL', async () => {
    const app = openClient(server.url, { appVersion: '1.2', profileId: 'kids' });
    await waitForConnection(app, 'live');
    const { auth, socket } = server.connection;
    expect(auth).toEqual({
      token: createToken('ann'),
      deviceId: 'tv',
      platform: 'tv',
      appVersion: '1.2',
      profileId: 'kids',
    });
    expect(socket.request.url).not.toContain(createToken('ann'));
  });

  test('after the server disconnects it, the device reconnects and resumes at its position', async () => {
    server.onConnection = (connection, n) =>
      n === 0 ? connection.sendSnapshot(3) : connection.sendWelcome({ resume: 'replay', offset: 3 });
    const app = openClient(server.url);
    const connections: string[] = [];
    app.client.on(
      'change',
      (state) => void (connections.at(-1) !== state.connection && connections.push(state.connection)),
    );
    await waitForConnection(app, 'live');
    server.connection.socket.disconnect(true);
    await eventually(() => server.connections.length === 2);
    await waitForConnection(app, 'live');
    expect(server.connection.auth).toMatchObject({ epoch: 'e1', offset: '3' });
    expect(connections).toEqual(['connecting', 'live', 'offline', 'connecting', 'live']);
  });

  test('after a goaway the device disconnects, reconnects and resumes at its position', async () => {
    server.onConnection = (connection, n) =>
      n === 0 ? connection.sendSnapshot(3) : connection.sendWelcome({ resume: 'replay', offset: 3 });
    const app = openClient(server.url);
    const codes: string[] = [];
    app.client.on('offline', (error) => void codes.push(error.code));
    await waitForConnection(app, 'live');
    const [first] = server.connections;
    first?.send('goaway', { reason: 'drain', retryAfterMs: 30 });
    await eventually(() => server.connections.length === 2 && first?.isConnected === false);
    expect(codes).toEqual(['goaway']);
    expect(server.connection.auth.offset).toBe('3');
  });

  test('a refusal that is not retryable closes the client and is reported once', async () => {
    server.refuse = () => ({ code: 'device_removed', message: 'gone', retryable: false });
    const app = openClient(server.url, { token: () => createToken('ann') });
    const refused = recordRefusals(app);
    await waitForConnection(app, 'closed');
    expect(refused.map((error) => error.code)).toEqual(['device_removed']);
    expect(server.handshakes).toBe(1);
    await expect(app.client.applied({ id: 'x' })).rejects.toMatchObject({ code: 'device_removed' });
  });

  test('after a retryable refusal the device tries again', async () => {
    server.refuse = (_auth, n) =>
      n < 3 ? { code: 'overloaded', message: '', retryable: true, retryAfterMs: 5 } : undefined;
    await waitForConnection(openClient(server.url), 'live');
    expect(server.handshakes).toBe(4);
  });

  test('a device does not reconnect before the delay that the server asked for', async () => {
    server.refuse = (auth) => {
      const refusal = { code: 'overloaded', message: '', retryable: true, retryAfterMs: 3_000_000 };
      return auth.deviceId === 'tv' ? refusal : undefined;
    };
    await waitForConnection(openClient(server.url), 'offline');
    // Without the delay it would have connected before these.
    await waitForConnection(openClient(server.url, { deviceId: 'phone' }), 'live');
    await waitForConnection(openClient(server.url, { deviceId: 'tablet' }), 'live');
    expect(server.handshakes).toBe(3);
  });

  test('when the browser reports that the network is back, the device reconnects at once', async () => {
    const onlineListeners: (() => void)[] = [];
    const windowApi = {
      addEventListener: (_name: string, listener: () => void) => void onlineListeners.push(listener),
      removeEventListener: () => undefined,
    };
    Object.assign(globalThis, windowApi);
    let randomNumber = 0;
    server.refuse = (_auth, n) => {
      if (n === 6) randomNumber = 0.999; // the seventh delay is half a minute
      return n < 7 ? { code: 'overloaded', message: '', retryable: true } : undefined;
    };
    const app = openClient(server.url, { random: () => randomNumber });
    for (const name of Object.keys(windowApi)) Reflect.deleteProperty(globalThis, name);
    await eventually(() => server.handshakes === 7 && app.client.state.connection === 'offline');
    randomNumber = 0;
    for (const listener of onlineListeners) listener();
    await waitForConnection(app, 'live');
    expect(server.handshakes).toBe(8);
  });

  test('a refused token is replaced at once the first time, and with backoff after that', async () => {
    let fetched = 0;
    server.refuse = (auth) =>
      auth.token?.startsWith('good') ? undefined : { code: 'token_expired', message: '', retryable: false };
    const app = openClient(server.url, { token: async () => (++fetched < 4 ? 'stale' : 'good') });
    const errors: UsherError[] = [];
    app.client.on('offline', (error) => void errors.push(error));
    await waitForConnection(app, 'live');
    expect(fetched).toBe(4);
    expect(errors).toHaveLength(2); // after the first refusal the device did not go offline
  });

  test('a refused token that cannot be renewed closes the client', async () => {
    server.refuse = () => ({ code: 'token_expired', message: '', retryable: false });
    const app = openClient(server.url, { token: 'stale' });
    const refused = recordRefusals(app);
    await waitForConnection(app, 'closed');
    expect(refused.map((error) => error.code)).toEqual(['token_expired']);
  });

  test('when the token cannot be fetched, the device tries again', async () => {
    let fetched = 0;
    const token = async () => {
      if (++fetched < 3) throw new Error('the session service is away');
      return createToken('ann');
    };
    await waitForConnection(openClient(server.url, { token }), 'live');
    expect(fetched).toBe(3);
  });

  test('a token that is about to expire is replaced without a reconnect', async () => {
    let fetched = 0;
    const app = openClient(server.url, { token: () => `${createToken('ann')}${++fetched}` });
    await waitForConnection(app, 'live');
    server.connection.send('token.expiring', { expiresAt: new Date().toISOString() });
    await eventually(() =>
      expect(server.connection.getMessages('token.refresh')).toEqual([{ token: `${createToken('ann')}2` }]),
    );
    expect(server.handshakes).toBe(1);
  });

  test('after a welcome that cannot be read the device reconnects', async () => {
    server.onConnection = (connection, n) =>
      n === 0 ? connection.send('welcome', 'hello') : connection.sendSnapshot(1);
    await waitForConnection(openClient(server.url), 'live');
    expect(server.handshakes).toBe(2);
  });

  test('a frame that is not an event is reported and ignored, and the next event is delivered', async () => {
    const app = openClient(server.url);
    const errors: unknown[] = [];
    app.client.on('error', (error) => void errors.push(error));
    await waitForConnection(app, 'live');
    for (const junk of [null, 'text', [], { id: 1 }, { id: 'x', type: 't', offset: -1 }])
      server.connection.send('note', junk);
    server.connection.sendNotes(1);
    await eventually(() => expect(app.getOffsets()).toEqual([1]));
    expect(errors).toHaveLength(5);
  });

  test('an event with the name of a signal is delivered only to the listeners of all events', async () => {
    const app = openClient(server.url);
    const states: unknown[] = [];
    await waitForConnection(app, 'live');
    app.client.on('change', (state) => void states.push(state));
    server.connection.sendEvent({ id: 'x', type: 'change', tier: 'routine', key: 'k', at: '', data: {} });
    await eventually(() => expect(app.received.map((event) => event.type)).toEqual(['change']));
    expect(states).toEqual([]);
  });

  test('close disconnects for good, and calling it twice does no harm', async () => {
    const app = openClient(server.url);
    await waitForConnection(app, 'live');
    const { connection } = server;
    app.client.close();
    app.client.close();
    await eventually(() => !connection.isConnected);
    expect(app.client.state.connection).toBe('closed');
    await expect(app.client.receipt({ offset: 1, state: 'seen' })).rejects.toMatchObject({ code: 'closed' });
    // Another device connects. If the closed one had reconnected, it would have done so before.
    await waitForConnection(openClient(server.url, { deviceId: 'phone' }), 'live');
    expect(server.handshakes).toBe(2);
  });

  test('a client that is closed while its token is fetched never connects', async () => {
    const token = deferred<string>();
    const app = openClient(server.url, { token: () => token.promise });
    app.client.close();
    token.resolve(createToken('ann'));
    await waitForConnection(openClient(server.url, { deviceId: 'phone' }), 'live');
    expect(server.connections.map((connection) => connection.auth.deviceId)).toEqual(['phone']);
  });

  test('a listener may close the client during an event, or while another user signs in', async () => {
    const app = openClient(server.url);
    app.client.on('note', () => app.client.close());
    await waitForConnection(app, 'live');
    server.connection.sendNotes(1, 2);
    await waitForConnection(app, 'closed');
    expect(app.getOffsets()).toEqual([1]);
    let user = 'ann';
    const other = openClient(server.url, { token: () => createToken(user) });
    other.client.on('note', () => void (user = 'bob'));
    other.client.on('change', (state) => void (user === 'bob' && !state.position && other.client.close()));
    await waitForConnection(other, 'live');
    server.connection.sendNotes(1).socket.disconnect(true);
    await waitForConnection(other, 'closed');
    await waitForConnection(openClient(server.url, { deviceId: 'phone' }), 'live');
    expect(server.handshakes).toBe(3);
  });

  test('close leaves no timer behind', async () => {
    const before = countTimers();
    const app = openClient(server.url, { token: () => new Promise(() => undefined) });
    app.client.playing(() => ({ showId: 's', positionSeconds: 1, durationSeconds: 2, state: 'playing' }));
    expect(countTimers()).toBe(before + 2);
    app.client.close();
    expect(countTimers()).toBe(before);
  });

  test('the state is the same object until something changes', async () => {
    const app = openClient(server.url);
    await waitForConnection(app, 'live');
    const before = app.client.state;
    server.connection.sendNotes(1, 1);
    await eventually(() => server.connection.acknowledged.length === 2);
    const after = app.client.state;
    expect(after).not.toBe(before);
    expect(app.client.state).toBe(after);
    expect(before.position?.offset).toBe(0);
  });
});
