import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { closeDevices, device, later, turns } from './device.js';
import { eventually } from './eventually.js';
import { Pretend, tokenFor } from './pretend.js';

const beat = (positionSeconds: number, showId = 'dark') => ({
  showId,
  positionSeconds,
  durationSeconds: 3_000,
  state: 'playing' as const,
});

const at = (second: number) => new Date(1_700_000_000_000 + second * 1_000).toISOString();

describe('what a device says reaches the server, also later', () => {
  let server: Pretend;
  beforeEach(async () => void (server = await Pretend.open()));
  afterEach(async () => {
    closeDevices();
    await server.close();
  });

  test('a beat is dated, answered with the next interval, and shown in the state', async () => {
    const app = device(server.url, { profileId: 'kids' });
    await turns(app, 'live');
    server.visitor.answer = () => ({ ok: true, nextSeconds: 90 });
    await expect(app.client.beat(beat(60))).resolves.toEqual({ nextSeconds: 90 });
    const [sent] = server.visitor.heard('playback.heartbeat');
    expect(sent).toMatchObject({ ...beat(60), profileId: 'kids' });
    expect(Date.parse(String(sent?.at))).not.toBeNaN();
    expect(app.client.state.playback).toEqual([
      { ...beat(60), profileId: 'kids', deviceId: 'tv', at: sent?.at },
    ]);
  });

  test('beats are dated by the server, however wrong the device clock is', async () => {
    const wrong = Date.now() + 86_400_000;
    server.script = (visitor) => visitor.start(0, {}, { serverTime: '2030-01-01T00:00:00.000Z' });
    const app = device(server.url, { now: () => wrong });
    await turns(app, 'live');
    await app.client.beat(beat(60));
    expect(server.visitor.heard('playback.heartbeat')[0]?.at).toBe('2030-01-01T00:00:00.000Z');
  });

  test('a refused beat says why, and whether to try again', async () => {
    const app = device(server.url);
    await turns(app, 'live');
    const error = { code: 'overloaded', message: 'later', retryable: true, retryAfterMs: 700 };
    server.visitor.answer = () => ({ ok: false, error });
    await expect(app.client.beat(beat(60))).rejects.toMatchObject({ name: 'UsherError', ...error });
    expect(app.client.state.playback).toEqual([]);
  });

  test('while offline only the newest beat of each show is kept, with its own time, and everyone gets its answer', async () => {
    const token = later<string>();
    const app = device(server.url, { token: () => token.promise });
    const answers = [
      app.client.beat({ ...beat(120), at: at(2) }),
      app.client.beat({ ...beat(60), at: at(1) }),
      app.client.beat({ ...beat(5, 'cars'), at: at(3) }),
    ];
    token.give(tokenFor('ann'));
    await expect(Promise.all(answers)).resolves.toHaveLength(3);
    const sent = server.visitor
      .heard('playback.heartbeat')
      .map((each) => [each.showId, each.positionSeconds, each.at]);
    expect(sent).toEqual([
      ['dark', 120, at(2)],
      ['cars', 5, at(3)],
    ]);
  });

  test('a beat whose answer was lost with the line is sent again on the next', async () => {
    server.script = (visitor, n) => {
      if (n > 0) return void visitor.welcome({ resume: 'replay', offset: 0 });
      visitor.start(0).answer = () => void visitor.socket.disconnect(true);
    };
    const app = device(server.url);
    await turns(app, 'live');
    await expect(app.client.beat(beat(60))).resolves.toEqual({ nextSeconds: 60 });
    expect(server.visitors.map((visitor) => visitor.heard('playback.heartbeat').length)).toEqual([1, 1]);
  });

  test('what one user left unsaid is not said in the name of the next', async () => {
    let user = 'ann';
    server.script = (visitor, n) => visitor.start(0, {}, { userId: n === 0 ? 'ann' : 'bob' });
    const app = device(server.url, { token: () => tokenFor(user) });
    await turns(app, 'live');
    user = 'bob';
    const unsaid: Promise<unknown>[] = [];
    app.client.on('offline', () => void unsaid.push(app.client.beat(beat(60)).catch((why) => why.code)));
    server.visitor.socket.disconnect(true);
    await eventually(() => server.visitors.length === 2);
    await turns(app, 'live');
    await expect(Promise.all(unsaid)).resolves.toEqual(['user_changed']);
    await app.client.seen({ id: 'x' }); // goes after whatever a flush would have sent
    expect(server.visitor.said).toEqual([['receipt', { ids: ['x'], state: 'seen' }]]);
  });

  test('receipts say applied and seen by id, also of what was heard before the line broke', async () => {
    const app = device(server.url);
    app.client.on('note', (event) => void app.client.applied(event));
    await turns(app, 'live');
    server.visitor.events(1);
    await eventually(() =>
      expect(server.visitor.heard('receipt')).toEqual([{ ids: ['id-1'], state: 'applied' }]),
    );
    await app.client.receipt({ offset: 1, state: 'seen' });
    expect(server.visitor.heard('receipt')).toHaveLength(2);
  });
});
