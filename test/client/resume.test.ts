import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { closeClients, openClient, MemoryStorage, waitForConnection, eventually } from './test-client.js';
import { createNote, FakeServer, createToken } from './fake-server.js';

describe('resuming', () => {
  let server: FakeServer;
  beforeEach(async () => void (server = await FakeServer.start()));
  afterEach(async () => {
    closeClients();
    await server.close();
  });

  test('an event that is sent again is acknowledged again and delivered once', async () => {
    server.onConnection = (connection) => connection.sendSnapshot(0);
    const app = openClient(server.url);
    await waitForConnection(app, 'live');
    server.connection.sendNotes(1, 1, 2, 1, 2, 3);
    await eventually(() => expect(server.connection.acknowledged).toEqual([1, 1, 2, 1, 2, 3]));
    expect(app.getOffsets()).toEqual([1, 2, 3]);
  });

  test('the position is stored after the listeners ran and before the event is acknowledged', async () => {
    const order: string[] = [];
    const storage = new MemoryStorage();
    server.onConnection = (connection) => connection.sendSnapshot(0);
    const app = openClient(server.url, { storage });
    await waitForConnection(app, 'live');
    storage.onWrite = (value) =>
      order.push(`stored ${value}, acknowledged ${server.connection.acknowledged.length}`);
    app.client.on('note', (event) =>
      order.push(`delivered ${event.offset} at ${app.client.state.position?.offset}`),
    );
    server.connection.sendNotes(1);
    await eventually(() => expect(server.connection.acknowledged).toEqual([1]));
    expect(order).toEqual(['delivered 1 at 0', 'stored {"epoch":"e1","offset":1}, acknowledged 0']);
  });

  test('a listener that throws affects neither the other listeners nor the position', async () => {
    const errors: unknown[] = [];
    const app = openClient(server.url);
    app.client.on('error', (error) => void errors.push(error));
    app.client.on('note', () => {
      throw new Error('a bug in the app');
    });
    const after: unknown[] = [];
    app.client.on('note', (event) => void after.push(event.offset));
    await waitForConnection(app, 'live');
    server.connection.sendNotes(1, 2);
    await eventually(() => expect(server.connection.acknowledged).toEqual([1, 2]));
    expect(after).toEqual([1, 2]);
    expect(errors.map(String)).toEqual(['Error: a bug in the app', 'Error: a bug in the app']);
  });

  test('an event for another device, or an expired one, moves the position and is not delivered', async () => {
    const app = openClient(server.url);
    await waitForConnection(app, 'live');
    server.connection
      .sendEvent(createNote(1, { target: 'phone' }))
      .sendEvent(createNote(2, { expiresAt: '2001-01-01T00:00:00Z' }));
    server.connection.sendEvent(createNote(3, { target: 'tv', expiresAt: '2999-01-01T00:00:00Z' }));
    await eventually(() => expect(server.connection.acknowledged).toEqual([1, 2, 3]));
    expect(app.getOffsets()).toEqual([3]);
    expect(app.client.state.position).toEqual({ epoch: 'e1', offset: 3 });
    expect(app.client.state.entries.map((entry) => entry.offset)).toEqual([3]);
  });

  test('another epoch replaces the whole state', async () => {
    server.onConnection = (connection) => connection.sendSnapshot(2, { entries: [createNote(2)] });
    const app = openClient(server.url);
    await waitForConnection(app, 'live');
    const { connection } = server;
    const renumbered = createNote(1, { epoch: 'e2', id: 'other' });
    connection.respond = () => {
      connection.sendSnapshot(1, { entries: [renumbered] }, { epoch: 'e2' });
      return { ok: true };
    };
    connection.sendEvent(renumbered);
    await eventually(() => expect(app.client.state.position).toEqual({ epoch: 'e2', offset: 1 }));
    expect(app.client.state.entries.map((entry) => entry.id)).toEqual(['other']);
    connection.sendEvent(createNote(2, { epoch: 'e2' }));
    await eventually(() => expect(app.getOffsets()).toEqual([2]));
  });

  test('a replay that does not continue the position leads to a reconnect and a snapshot', async () => {
    server.onConnection = (connection, n) => {
      if (n === 0) connection.sendSnapshot(9);
      else if (n === 1) connection.sendWelcome({ resume: 'replay', offset: 4 });
      else connection.sendSnapshot(4);
    };
    const app = openClient(server.url);
    await waitForConnection(app, 'live');
    server.connection.socket.disconnect(true);
    await eventually(() => expect(app.client.state.position).toEqual({ epoch: 'e1', offset: 4 }));
    expect(server.connections[1]?.auth.offset).toBe('9');
    expect(server.connections[2]?.auth.offset).toBeUndefined();
  });

  test('a restarted app takes a snapshot and delivers only the events that it had not delivered', async () => {
    const storage = new MemoryStorage();
    server.onConnection = (connection) => connection.sendSnapshot(0, { entries: [] }).sendNotes(1, 2);
    const before = openClient(server.url, { storage });
    await eventually(() => expect(before.getOffsets()).toEqual([1, 2]));
    before.client.close();
    server.onConnection = (connection) =>
      connection.sendSnapshot(4, { entries: [createNote(1), createNote(2), createNote(3), createNote(4)] });
    const after = openClient(server.url, { storage });
    await eventually(() => expect(after.client.state.position?.offset).toBe(4));
    expect(server.connection.auth).not.toHaveProperty('offset');
    expect(after.getOffsets()).toEqual([3, 4]);
    expect(after.client.state.entries).toHaveLength(4);
  });

  test('a new device delivers no past events', async () => {
    server.onConnection = (connection) =>
      connection.sendSnapshot(2, { entries: [createNote(1), createNote(2)] });
    const app = openClient(server.url);
    await waitForConnection(app, 'live');
    expect(app.client.state.entries).toHaveLength(2);
    expect(app.received).toEqual([]);
  });

  test('after a long absence the device asks for a snapshot, because a replay holds only the latest playback positions', async () => {
    let now = Date.now();
    server.onConnection = (connection, n) =>
      connection.sendSnapshot(n, { entries: n > 0 ? [createNote(1)] : [] });
    const app = openClient(server.url, { now: () => now });
    await waitForConnection(app, 'live');
    app.client.on('offline', () => (now += 2 * 3_600_000));
    server.connection.socket.disconnect(true);
    await eventually(() => expect(app.getOffsets()).toEqual([1]));
    expect(server.connection.auth).not.toHaveProperty('offset');
  });

  test('a snapshot adds no entries for other devices, and no expired ones', async () => {
    const expired = createNote(2, { expiresAt: '2001-01-01T00:00:00Z' });
    server.onConnection = (connection) =>
      connection.sendSnapshot(3, { entries: [createNote(1, { target: 'phone' }), expired, createNote(3)] });
    const app = openClient(server.url);
    await waitForConnection(app, 'live');
    expect(app.client.state.entries.map((entry) => entry.offset)).toEqual([3]);
  });

  test('with a token that cannot be read, the welcome decides whose position is used', async () => {
    const storage = new MemoryStorage();
    const entries = [createNote(1), createNote(2), createNote(3)];
    let user = 'ann';
    server.onConnection = (connection) =>
      connection.sendSnapshot(entries.length, { entries }, { userId: user });
    const once = async () => {
      const app = openClient(server.url, { storage, token: 'opaque' });
      await waitForConnection(app, 'live');
      app.client.close();
      return app.getOffsets();
    };
    await expect(once()).resolves.toEqual([]);
    entries.push(createNote(4));
    await expect(once()).resolves.toEqual([4]);
    user = 'bob';
    entries.push(createNote(5));
    await expect(once()).resolves.toEqual([]);
  });

  test('another user on the same device inherits no state and no position', async () => {
    const storage = new MemoryStorage();
    let user = 'ann';
    server.onConnection = (connection, n) =>
      connection.sendSnapshot(
        5,
        { entries: [createNote(5)] },
        { userId: n === 0 ? 'ann' : 'bob', epoch: 'e1' },
      );
    const app = openClient(server.url, { storage, token: () => createToken(user) });
    await waitForConnection(app, 'live');
    const membership = {
      version: 7,
      status: 'active',
      planId: 'gold',
      capabilities: {},
      effectiveAt: '',
      reason: '',
    };
    server.connection.sendEvent(createNote(6, { type: 'membership.changed', data: membership }));
    await eventually(() => expect(app.client.state.membership?.version).toBe(7));
    user = 'bob';
    server.connection.socket.disconnect(true);
    await eventually(() => expect(server.connections).toHaveLength(2));
    await waitForConnection(app, 'live');
    expect(server.connection.auth).not.toHaveProperty('offset');
    expect(app.client.state.membership).toBeUndefined();
    expect(app.getOffsets()).toEqual([6]);
    expect([...storage.items.keys()].filter((name) => name.includes('bob'))).toHaveLength(1);
    expect(storage.items.size).toBe(2);
  });
});
