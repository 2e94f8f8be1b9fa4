import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { closeClients, openClient, deferred, waitForConnection, eventually } from './test-client.js';
import { FakeServer, createToken } from './fake-server.js';

const beat = (positionSeconds: number, showId = 'dark') => ({
  showId,
  positionSeconds,
  durationSeconds: 3_000,
  state: 'playing' as const,
});

const at = (second: number) => new Date(1_700_000_000_000 + second * 1_000).toISOString();

describe('messages to the server', () => {
  let server: FakeServer;
  beforeEach(async () => void (server = await FakeServer.start()));
  afterEach(async () => {
    closeClients();
    await server.close();
  });

  test('a beat carries its time, returns the next interval, and updates the state', async () => {
    const app = openClient(server.url, { profileId: 'kids' });
    await waitForConnection(app, 'live');
    server.connection.respond = () => ({ ok: true, nextSeconds: 90 });
    await expect(app.client.beat(beat(60))).resolves.toEqual({ nextSeconds: 90 });
    const [sent] = server.connection.getMessages('playback.heartbeat');
    expect(sent).toMatchObject({ ...beat(60), profileId: 'kids' });
    expect(Date.parse(String(sent?.at))).not.toBeNaN();
    expect(app.client.state.playback).toEqual([
      { ...beat(60), profileId: 'kids', deviceId: 'tv', at: sent?.at },
    ]);
  });

  test('beats carry the server’s time, however wrong the device’s clock is', async () => {
    const wrong = Date.now() + 86_400_000;
    server.onConnection = (connection) =>
      connection.sendSnapshot(0, {}, { serverTime: '2030-01-01T00:00:00.000Z' });
    const app = openClient(server.url, { now: () => wrong });
    await waitForConnection(app, 'live');
    await app.client.beat(beat(60));
    expect(server.connection.getMessages('playback.heartbeat')[0]?.at).toBe('2030-01-01T00:00:00.000Z');
  });

  test('a refused beat rejects with the server’s error and leaves the state alone', async () => {
    const app = openClient(server.url);
    await waitForConnection(app, 'live');
    const error = { code: 'overloaded', message: 'later', retryable: true, retryAfterMs: 700 };
    server.connection.respond = () => ({ ok: false, error });
    await expect(app.client.beat(beat(60))).rejects.toMatchObject({ name: 'UsherError', ...error });
    expect(app.client.state.playback).toEqual([]);
  });

  test('while offline only the newest beat of each show is queued, with its own time, and every caller gets its response', async () => {
    const token = deferred<string>();
    const app = openClient(server.url, { token: () => token.promise });
    const responses = [
      app.client.beat({ ...beat(120), at: at(2) }),
      app.client.beat({ ...beat(60), at: at(1) }),
      app.client.beat({ ...beat(5, 'cars'), at: at(3) }),
    ];
    token.resolve(createToken('ann'));
    await expect(Promise.all(responses)).resolves.toHaveLength(3);
    const sent = server.connection
      .getMessages('playback.heartbeat')
      .map((each) => [each.showId, each.positionSeconds, each.at]);
    expect(sent).toEqual([
      ['dark', 120, at(2)],
      ['cars', 5, at(3)],
    ]);
  });

  test('a beat whose response was lost with the connection is sent again on the next one', async () => {
    server.onConnection = (connection, n) => {
      if (n > 0) return void connection.sendWelcome({ resume: 'replay', offset: 0 });
      connection.sendSnapshot(0).respond = () => void connection.socket.disconnect(true);
    };
    const app = openClient(server.url);
    await waitForConnection(app, 'live');
    await expect(app.client.beat(beat(60))).resolves.toEqual({ nextSeconds: 60 });
    expect(
      server.connections.map((connection) => connection.getMessages('playback.heartbeat').length),
    ).toEqual([1, 1]);
  });

  test('what one user queued is not sent in the name of the next', async () => {
    let user = 'ann';
    server.onConnection = (connection, n) =>
      connection.sendSnapshot(0, {}, { userId: n === 0 ? 'ann' : 'bob' });
    const app = openClient(server.url, { token: () => createToken(user) });
    await waitForConnection(app, 'live');
    user = 'bob';
    const results: Promise<unknown>[] = [];
    app.client.on('offline', () => void results.push(app.client.beat(beat(60)).catch((error) => error.code)));
    server.connection.socket.disconnect(true);
    await eventually(() => server.connections.length === 2);
    await waitForConnection(app, 'live');
    await expect(Promise.all(results)).resolves.toEqual(['user_changed']);
    await app.client.seen({ id: 'x' }); // goes after whatever a flush would have sent
    expect(server.connection.messages).toEqual([['receipt', { ids: ['x'], state: 'seen' }]]);
  });

  test('receipts are sent by id or by offset', async () => {
    const app = openClient(server.url);
    app.client.on('note', (event) => void app.client.applied(event));
    await waitForConnection(app, 'live');
    server.connection.sendNotes(1);
    await eventually(() =>
      expect(server.connection.getMessages('receipt')).toEqual([{ ids: ['id-1'], state: 'applied' }]),
    );
    await app.client.receipt({ offset: 1, state: 'seen' });
    expect(server.connection.getMessages('receipt')).toHaveLength(2);
  });
});
