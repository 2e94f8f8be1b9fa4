import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { closeDevices, device, Disk, turns } from './device.js';
import { eventually } from './eventually.js';
import { note, Pretend, tokenFor } from './pretend.js';

describe('a device reads every event once and in order', () => {
  let server: Pretend;
  beforeEach(async () => void (server = await Pretend.open()));
  afterEach(async () => {
    closeDevices();
    await server.close();
  });

  test('a hole is asked for once, and what lay beyond it comes after what was missing', async () => {
    server.script = (visitor) => visitor.start(2);
    const app = device(server.url);
    await turns(app, 'live');
    const { visitor } = server;
    visitor.answer = (name) => {
      if (name === 'sync') visitor.welcome({ resume: 'replay', offset: 7 }).events(3, 4, 5, 6, 7);
      return { ok: true };
    };
    visitor.events(3, 5, 6, 7);
    await eventually(() => expect(app.offsets()).toEqual([3, 4, 5, 6, 7]));
    expect(visitor.heard('sync')).toEqual([{ epoch: 'e1', offset: 3 }]);
    expect(server.handshakes).toBe(1);
    visitor.events(8);
    await eventually(() => expect(app.offsets()).toEqual([3, 4, 5, 6, 7, 8]));
  });

  test('an answer to sync that was read before the event that showed the hole is asked for again', async () => {
    server.script = (visitor) => visitor.start(2);
    const app = device(server.url);
    await turns(app, 'live');
    const { visitor } = server;
    visitor.answer = (name, payload) => {
      if (name !== 'sync') return { ok: true };
      if (payload.offset === 2) visitor.events(6).welcome({ resume: 'replay', offset: 5 }).events(3, 5);
      else visitor.welcome({ resume: 'replay', offset: 6 }).events(6);
      return { ok: true };
    };
    visitor.events(5);
    await eventually(() => expect(app.offsets()).toEqual([3, 5, 6]));
    await eventually(() => expect(visitor.acknowledged).toEqual([3, 5, 6]));
  });

  test('a sync that the server cannot answer now is asked again', async () => {
    server.script = (visitor) => visitor.start(2);
    const app = device(server.url);
    await turns(app, 'live');
    const { visitor } = server;
    visitor.answer = (name) => {
      if (name !== 'sync') return { ok: true };
      if (visitor.heard('sync').length < 3)
        return { ok: false, error: { code: 'overloaded', message: '', retryable: true } };
      visitor.welcome({ resume: 'replay', offset: 4 }).events(3, 4);
      return { ok: true };
    };
    visitor.events(4);
    await eventually(() => expect(app.offsets()).toEqual([3, 4]));
    expect(server.handshakes).toBe(1);
  });

  test('when sync is refused for good the device reconnects and takes a snapshot', async () => {
    server.script = (visitor, n) => {
      visitor.answer = () => ({ ok: false, error: { code: 'position_lost', message: '', retryable: false } });
      if (n === 0) visitor.start(2);
      else visitor.start(4, { entries: [note(3), note(4)] });
    };
    const app = device(server.url);
    await turns(app, 'live');
    server.visitor.events(4);
    await eventually(() => expect(app.offsets()).toEqual([3, 4]));
    expect(server.visitors[1]?.auth.offset).toBeUndefined();
    expect(server.visitors[0]?.heard('sync')).toHaveLength(1);
  });

  test('offsets that were compacted away are no hole, neither inside a replay nor at its end', async () => {
    server.script = (visitor, n) => {
      if (n === 0) visitor.start(3);
      else visitor.welcome({ resume: 'replay', offset: 10 }).events(5, 8, 11, 12);
    };
    const app = device(server.url);
    await turns(app, 'live');
    server.visitor.socket.disconnect(true);
    await eventually(() => expect(app.offsets()).toEqual([5, 8, 11, 12]));
    expect(server.visitor.auth).toMatchObject({ epoch: 'e1', offset: '3' });
    await eventually(() => expect(server.visitor.acknowledged).toEqual([5, 8, 11, 12]));
    expect(server.visitor.heard('sync')).toEqual([]);
  });

  test('an event that comes again is acknowledged again and heard no second time', async () => {
    server.script = (visitor) => visitor.start(0);
    const app = device(server.url);
    await turns(app, 'live');
    server.visitor.events(1, 1, 2, 1, 2, 3);
    await eventually(() => expect(server.visitor.acknowledged).toEqual([1, 1, 2, 1, 2, 3]));
    expect(app.offsets()).toEqual([1, 2, 3]);
  });

  test('the position is stored after the listeners ran and before the event is acknowledged', async () => {
    const order: string[] = [];
    const storage = new Disk();
    server.script = (visitor) => visitor.start(0);
    const app = device(server.url, { storage });
    await turns(app, 'live');
    storage.onWrite = (value) =>
      order.push(`stored ${value}, acknowledged ${server.visitor.acknowledged.length}`);
    app.client.on('note', (event) =>
      order.push(`heard ${event.offset} at ${app.client.state.position?.offset}`),
    );
    server.visitor.events(1);
    await eventually(() => expect(server.visitor.acknowledged).toEqual([1]));
    expect(order).toEqual(['heard 1 at 0', 'stored {"epoch":"e1","offset":1}, acknowledged 0']);
  });

  test('a listener that throws holds up neither the others nor the position', async () => {
    const complaints: unknown[] = [];
    const app = device(server.url);
    app.client.on('error', (error) => void complaints.push(error));
    app.client.on('note', () => {
      throw new Error('a bug in the app');
    });
    const after: unknown[] = [];
    app.client.on('note', (event) => void after.push(event.offset));
    await turns(app, 'live');
    server.visitor.events(1, 2);
    await eventually(() => expect(server.visitor.acknowledged).toEqual([1, 2]));
    expect(after).toEqual([1, 2]);
    expect(complaints.map(String)).toEqual(['Error: a bug in the app', 'Error: a bug in the app']);
  });

  test('an event for another device, or out of date, moves the position and is not heard', async () => {
    const app = device(server.url);
    await turns(app, 'live');
    server.visitor.event(note(1, { target: 'phone' })).event(note(2, { expiresAt: '2001-01-01T00:00:00Z' }));
    server.visitor.event(note(3, { target: 'tv', expiresAt: '2999-01-01T00:00:00Z' }));
    await eventually(() => expect(server.visitor.acknowledged).toEqual([1, 2, 3]));
    expect(app.offsets()).toEqual([3]);
    expect(app.client.state.position).toEqual({ epoch: 'e1', offset: 3 });
    expect(app.client.state.entries.map((entry) => entry.offset)).toEqual([3]);
  });

  test('another epoch replaces everything', async () => {
    server.script = (visitor) => visitor.start(2, { entries: [note(2)] });
    const app = device(server.url);
    await turns(app, 'live');
    const { visitor } = server;
    const renumbered = note(1, { epoch: 'e2', id: 'other' });
    visitor.answer = () => {
      visitor.start(1, { entries: [renumbered] }, { epoch: 'e2' });
      return { ok: true };
    };
    visitor.event(renumbered);
    await eventually(() => expect(app.client.state.position).toEqual({ epoch: 'e2', offset: 1 }));
    expect(app.client.state.entries.map((entry) => entry.id)).toEqual(['other']);
    visitor.event(note(2, { epoch: 'e2' }));
    await eventually(() => expect(app.offsets()).toEqual([2]));
  });

  test('a replay that cannot follow our position is not believed', async () => {
    server.script = (visitor, n) => {
      if (n === 0) visitor.start(9);
      else if (n === 1) visitor.welcome({ resume: 'replay', offset: 4 });
      else visitor.start(4);
    };
    const app = device(server.url);
    await turns(app, 'live');
    server.visitor.socket.disconnect(true);
    await eventually(() => expect(app.client.state.position).toEqual({ epoch: 'e1', offset: 4 }));
    expect(server.visitors[1]?.auth.offset).toBe('9');
    expect(server.visitors[2]?.auth.offset).toBeUndefined();
  });

  test('a restarted app asks for the whole state and hears only what it had not heard', async () => {
    const storage = new Disk();
    server.script = (visitor) => visitor.start(0, { entries: [] }).events(1, 2);
    const before = device(server.url, { storage });
    await eventually(() => expect(before.offsets()).toEqual([1, 2]));
    before.client.close();
    server.script = (visitor) => visitor.start(4, { entries: [note(1), note(2), note(3), note(4)] });
    const after = device(server.url, { storage });
    await eventually(() => expect(after.client.state.position?.offset).toBe(4));
    expect(server.visitor.auth).not.toHaveProperty('offset');
    expect(after.offsets()).toEqual([3, 4]);
    expect(after.client.state.entries).toHaveLength(4);
  });

  test('a new device hears nothing of the past', async () => {
    server.script = (visitor) => visitor.start(2, { entries: [note(1), note(2)] });
    const app = device(server.url);
    await turns(app, 'live');
    expect(app.client.state.entries).toHaveLength(2);
    expect(app.heard).toEqual([]);
  });

  test('after a long absence the device asks for a snapshot, because a replay holds only the latest playback positions', async () => {
    let now = Date.now();
    server.script = (visitor, n) => visitor.start(n, { entries: n > 0 ? [note(1)] : [] });
    const app = device(server.url, { now: () => now });
    await turns(app, 'live');
    app.client.on('offline', () => (now += 2 * 3_600_000));
    server.visitor.socket.disconnect(true);
    await eventually(() => expect(app.offsets()).toEqual([1]));
    expect(server.visitor.auth).not.toHaveProperty('offset');
  });

  test('a snapshot shows nothing that is for another device or out of date', async () => {
    const expired = note(2, { expiresAt: '2001-01-01T00:00:00Z' });
    server.script = (visitor) =>
      visitor.start(3, { entries: [note(1, { target: 'phone' }), expired, note(3)] });
    const app = device(server.url);
    await turns(app, 'live');
    expect(app.client.state.entries.map((entry) => entry.offset)).toEqual([3]);
  });

  test('with a token that cannot be read, the welcome says whose position it is', async () => {
    const storage = new Disk();
    const entries = [note(1), note(2), note(3)];
    let user = 'ann';
    server.script = (visitor) => visitor.start(entries.length, { entries }, { userId: user });
    const once = async () => {
      const app = device(server.url, { storage, token: 'opaque' });
      await turns(app, 'live');
      app.client.close();
      return app.offsets();
    };
    await expect(once()).resolves.toEqual([]);
    entries.push(note(4));
    await expect(once()).resolves.toEqual([4]);
    user = 'bob';
    entries.push(note(5));
    await expect(once()).resolves.toEqual([]);
  });

  test('another user on the same device inherits nothing', async () => {
    const storage = new Disk();
    let user = 'ann';
    server.script = (visitor, n) =>
      visitor.start(5, { entries: [note(5)] }, { userId: n === 0 ? 'ann' : 'bob', epoch: 'e1' });
    const app = device(server.url, { storage, token: () => tokenFor(user) });
    await turns(app, 'live');
    const membership = {
      version: 7,
      status: 'active',
      planId: 'gold',
      capabilities: {},
      effectiveAt: '',
      reason: '',
    };
    server.visitor.event(note(6, { type: 'membership.changed', data: membership }));
    await eventually(() => expect(app.client.state.membership?.version).toBe(7));
    user = 'bob';
    server.visitor.socket.disconnect(true);
    await eventually(() => expect(server.visitors).toHaveLength(2));
    await turns(app, 'live');
    expect(server.visitor.auth).not.toHaveProperty('offset');
    expect(app.client.state.membership).toBeUndefined();
    expect(app.offsets()).toEqual([6]);
    expect([...storage.items.keys()].filter((name) => name.includes('bob'))).toHaveLength(1);
    expect(storage.items.size).toBe(2);
  });
});
