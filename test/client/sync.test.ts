import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { closeClients, eventually, openClient, waitForConnection } from './test-client.js';
import { createNote, FakeServer } from './fake-server.js';

describe('syncing', () => {
  let server: FakeServer;
  beforeEach(async () => void (server = await FakeServer.start()));
  afterEach(async () => {
    closeClients();
    await server.close();
  });

  test('a gap is requested once, and the events after it are delivered after the missing ones', async () => {
    server.onConnection = (connection) => connection.sendSnapshot(2);
    const app = openClient(server.url);
    await waitForConnection(app, 'live');
    const { connection } = server;
    connection.respond = (name) => {
      if (name === 'sync') connection.sendWelcome({ resume: 'replay', offset: 7 }).sendNotes(3, 4, 5, 6, 7);
      return { ok: true };
    };
    connection.sendNotes(3, 5, 6, 7);
    await eventually(() => expect(app.getOffsets()).toEqual([3, 4, 5, 6, 7]));
    expect(connection.getMessages('sync')).toEqual([{ epoch: 'e1', offset: 3 }]);
    expect(server.handshakes).toBe(1);
    connection.sendNotes(8);
    await eventually(() => expect(app.getOffsets()).toEqual([3, 4, 5, 6, 7, 8]));
  });

  test('a sync is repeated if its response was read before the event that showed the gap', async () => {
    server.onConnection = (connection) => connection.sendSnapshot(2);
    const app = openClient(server.url);
    await waitForConnection(app, 'live');
    const { connection } = server;
    connection.respond = (name, payload) => {
      if (name !== 'sync') return { ok: true };
      if (payload.offset === 2)
        connection.sendNotes(6).sendWelcome({ resume: 'replay', offset: 5 }).sendNotes(3, 5);
      else connection.sendWelcome({ resume: 'replay', offset: 6 }).sendNotes(6);
      return { ok: true };
    };
    connection.sendNotes(5);
    await eventually(() => expect(app.getOffsets()).toEqual([3, 5, 6]));
    await eventually(() => expect(connection.acknowledged).toEqual([3, 5, 6]));
  });

  test('a sync is repeated after a retryable refusal', async () => {
    server.onConnection = (connection) => connection.sendSnapshot(2);
    const app = openClient(server.url);
    await waitForConnection(app, 'live');
    const { connection } = server;
    connection.respond = (name) => {
      if (name !== 'sync') return { ok: true };
      if (connection.getMessages('sync').length < 3)
        return { ok: false, error: { code: 'overloaded', message: '', retryable: true } };
      connection.sendWelcome({ resume: 'replay', offset: 4 }).sendNotes(3, 4);
      return { ok: true };
    };
    connection.sendNotes(4);
    await eventually(() => expect(app.getOffsets()).toEqual([3, 4]));
    expect(server.handshakes).toBe(1);
  });

  test('when a sync is refused for good, the device reconnects and takes a snapshot', async () => {
    server.onConnection = (connection, n) => {
      connection.respond = () => ({
        ok: false,
        error: { code: 'position_lost', message: '', retryable: false },
      });
      if (n === 0) connection.sendSnapshot(2);
      else connection.sendSnapshot(4, { entries: [createNote(3), createNote(4)] });
    };
    const app = openClient(server.url);
    await waitForConnection(app, 'live');
    server.connection.sendNotes(4);
    await eventually(() => expect(app.getOffsets()).toEqual([3, 4]));
    expect(server.connections[1]?.auth.offset).toBeUndefined();
    expect(server.connections[0]?.getMessages('sync')).toHaveLength(1);
  });

  test('superseded offsets are not a gap, neither inside a replay nor at its end', async () => {
    server.onConnection = (connection, n) => {
      if (n === 0) connection.sendSnapshot(3);
      else connection.sendWelcome({ resume: 'replay', offset: 10 }).sendNotes(5, 8, 11, 12);
    };
    const app = openClient(server.url);
    await waitForConnection(app, 'live');
    server.connection.socket.disconnect(true);
    await eventually(() => expect(app.getOffsets()).toEqual([5, 8, 11, 12]));
    expect(server.connection.auth).toMatchObject({ epoch: 'e1', offset: '3' });
    await eventually(() => expect(server.connection.acknowledged).toEqual([5, 8, 11, 12]));
    expect(server.connection.getMessages('sync')).toEqual([]);
  });
});
