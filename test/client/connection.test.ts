import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { UsherError } from '../../clients/web/src/index.js';
import { closeDevices, device, later, turns } from './device.js';
import { eventually } from './eventually.js';
import { Pretend, tokenFor } from './pretend.js';

const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

const refusals = (app: ReturnType<typeof device>) => {
  const all: UsherError[] = [];
  app.client.on('refused', (why) => void all.push(why));
  return all;
};

describe('a device comes back by itself, and stops when it must', () => {
  let server: Pretend;
  beforeEach(async () => void (server = await Pretend.open()));
  afterEach(async () => {
    closeDevices();
    await server.close();
  });

  test('the handshake introduces the device in strings, and the token stays out of the address', async () => {
    const app = device(server.url, { appVersion: '1.2', profileId: 'kids' });
    await turns(app, 'live');
    const { auth, socket } = server.visitor;
    expect(auth).toEqual({
      token: tokenFor('ann'),
      deviceId: 'tv',
      platform: 'tv',
      appVersion: '1.2',
      profileId: 'kids',
    });
    expect(socket.request.url).not.toContain(tokenFor('ann'));
  });

  test('a server that hangs up finds the device back, where it was', async () => {
    server.script = (visitor, n) =>
      n === 0 ? visitor.start(3) : visitor.welcome({ resume: 'replay', offset: 3 });
    const app = device(server.url);
    const seen: string[] = [];
    app.client.on(
      'change',
      (state) => void (seen.at(-1) !== state.connection && seen.push(state.connection)),
    );
    await turns(app, 'live');
    server.visitor.socket.disconnect(true);
    await eventually(() => server.visitors.length === 2);
    await turns(app, 'live');
    expect(server.visitor.auth).toMatchObject({ epoch: 'e1', offset: '3' });
    expect(seen).toEqual(['connecting', 'live', 'offline', 'connecting', 'live']);
  });

  test('goaway: the device leaves, and comes back with its position', async () => {
    server.script = (visitor, n) =>
      n === 0 ? visitor.start(3) : visitor.welcome({ resume: 'replay', offset: 3 });
    const app = device(server.url);
    const lost: string[] = [];
    app.client.on('offline', (why) => void lost.push(why.code));
    await turns(app, 'live');
    const [first] = server.visitors;
    first?.say('goaway', { reason: 'drain', retryAfterMs: 30 });
    await eventually(() => server.visitors.length === 2 && first?.isHere === false);
    expect(lost).toEqual(['goaway']);
    expect(server.visitor.auth.offset).toBe('3');
  });

  test('a refusal for good closes the client and is said once', async () => {
    server.refuse = () => ({ code: 'device_removed', message: 'gone', retryable: false });
    const app = device(server.url, { token: () => tokenFor('ann') });
    const refused = refusals(app);
    await turns(app, 'closed');
    expect(refused.map((why) => why.code)).toEqual(['device_removed']);
    expect(server.handshakes).toBe(1);
    await expect(app.client.applied({ id: 'x' })).rejects.toMatchObject({ code: 'device_removed' });
  });

  test('a refusal for now is tried again', async () => {
    server.refuse = (_auth, n) =>
      n < 3 ? { code: 'overloaded', message: '', retryable: true, retryAfterMs: 5 } : undefined;
    await turns(device(server.url), 'live');
    expect(server.handshakes).toBe(4);
  });

  test('a device that is told to wait does not come back before', async () => {
    server.refuse = (auth) => {
      const refusal = { code: 'overloaded', message: '', retryable: true, retryAfterMs: 3_000_000 };
      return auth.deviceId === 'tv' ? refusal : undefined;
    };
    await turns(device(server.url), 'offline');
    // It would have been at the door at once, and so before these.
    await turns(device(server.url, { deviceId: 'phone' }), 'live');
    await turns(device(server.url, { deviceId: 'tablet' }), 'live');
    expect(server.handshakes).toBe(3);
  });

  test('when the browser says that the network is back, the device does not wait on', async () => {
    const back: (() => void)[] = [];
    const hook = {
      addEventListener: (_name: string, act: () => void) => void back.push(act),
      removeEventListener: () => undefined,
    };
    Object.assign(globalThis, hook);
    let dice = 0;
    server.refuse = (_auth, n) => {
      if (n === 6) dice = 0.999; // the seventh wait is half a minute
      return n < 7 ? { code: 'overloaded', message: '', retryable: true } : undefined;
    };
    const app = device(server.url, { random: () => dice });
    for (const name of Object.keys(hook)) Reflect.deleteProperty(globalThis, name);
    await eventually(() => server.handshakes === 7 && app.client.state.connection === 'offline');
    dice = 0;
    for (const act of back) act();
    await turns(app, 'live');
    expect(server.handshakes).toBe(8);
  });

  test('a refused token is fetched anew at once, and after that by backoff', async () => {
    let fetched = 0;
    server.refuse = (auth) =>
      auth.token?.startsWith('good') ? undefined : { code: 'token_expired', message: '', retryable: false };
    const app = device(server.url, { token: async () => (++fetched < 4 ? 'stale' : 'good') });
    const lost: UsherError[] = [];
    app.client.on('offline', (why) => void lost.push(why));
    await turns(app, 'live');
    expect(fetched).toBe(4);
    expect(lost).toHaveLength(2); // the first refusal was answered without a wait
  });

  test('a refused token that cannot be renewed closes the client', async () => {
    server.refuse = () => ({ code: 'token_expired', message: '', retryable: false });
    const app = device(server.url, { token: 'stale' });
    const refused = refusals(app);
    await turns(app, 'closed');
    expect(refused.map((why) => why.code)).toEqual(['token_expired']);
  });

  test('a token that cannot be fetched now is fetched later', async () => {
    let fetched = 0;
    const token = async () => {
      if (++fetched < 3) throw new Error('the session service is away');
      return tokenFor('ann');
    };
    await turns(device(server.url, { token }), 'live');
    expect(fetched).toBe(3);
  });

  test('a token about to expire is renewed on the line', async () => {
    let fetched = 0;
    const app = device(server.url, { token: () => `${tokenFor('ann')}${++fetched}` });
    await turns(app, 'live');
    server.visitor.say('token.expiring', { expiresAt: new Date().toISOString() });
    await eventually(() =>
      expect(server.visitor.heard('token.refresh')).toEqual([{ token: `${tokenFor('ann')}2` }]),
    );
    expect(server.handshakes).toBe(1);
  });

  test('a welcome that cannot be read is an outage, not a crash', async () => {
    server.script = (visitor, n) => (n === 0 ? visitor.say('welcome', 'hello') : visitor.start(1));
    await turns(device(server.url), 'live');
    expect(server.handshakes).toBe(2);
  });

  test('a frame that is no event is ignored, and what follows is heard', async () => {
    const app = device(server.url);
    const complaints: unknown[] = [];
    app.client.on('error', (error) => void complaints.push(error));
    await turns(app, 'live');
    for (const junk of [null, 'text', [], { id: 1 }, { id: 'x', type: 't', offset: -1 }])
      server.visitor.say('note', junk);
    server.visitor.events(1);
    await eventually(() => expect(app.offsets()).toEqual([1]));
    expect(complaints).toHaveLength(5);
  });

  test('an event named like a signal does not pass for one', async () => {
    const app = device(server.url);
    const states: unknown[] = [];
    await turns(app, 'live');
    app.client.on('change', (state) => void states.push(state));
    server.visitor.event({ id: 'x', type: 'change', tier: 'routine', key: 'k', at: '', data: {} });
    await eventually(() => expect(app.heard.map((event) => event.type)).toEqual(['change']));
    expect(states).toEqual([]);
  });

  test('close ends it, twice does no harm, and nobody dials again', async () => {
    const app = device(server.url);
    await turns(app, 'live');
    const { visitor } = server;
    app.client.close();
    app.client.close();
    await eventually(() => !visitor.isHere);
    expect(app.client.state.connection).toBe('closed');
    await expect(app.client.receipt({ offset: 1, state: 'seen' })).rejects.toMatchObject({ code: 'closed' });
    // Another device connects after it: had the closed one dialled, it would have been here before.
    await turns(device(server.url, { deviceId: 'phone' }), 'live');
    expect(server.handshakes).toBe(2);
  });

  test('close while the token is still being fetched leaves nobody at the door', async () => {
    const token = later<string>();
    const app = device(server.url, { token: () => token.promise });
    app.client.close();
    token.give(tokenFor('ann'));
    await turns(device(server.url, { deviceId: 'phone' }), 'live');
    expect(server.visitors.map((visitor) => visitor.auth.deviceId)).toEqual(['phone']);
  });

  test('a listener may close the client while it hears an event, or that another user signs in', async () => {
    const app = device(server.url);
    app.client.on('note', () => app.client.close());
    await turns(app, 'live');
    server.visitor.events(1, 2);
    await turns(app, 'closed');
    expect(app.offsets()).toEqual([1]);
    let user = 'ann';
    const other = device(server.url, { token: () => tokenFor(user) });
    other.client.on('note', () => void (user = 'bob'));
    other.client.on('change', (state) => void (user === 'bob' && !state.position && other.client.close()));
    await turns(other, 'live');
    server.visitor.events(1).socket.disconnect(true);
    await turns(other, 'closed');
    await turns(device(server.url, { deviceId: 'phone' }), 'live');
    expect(server.handshakes).toBe(3);
  });

  test('close leaves no timer behind, whatever was under way', async () => {
    const before = timers();
    const app = device(server.url, { token: () => new Promise(() => undefined) });
    app.client.playing(() => ({ showId: 's', positionSeconds: 1, durationSeconds: 2, state: 'playing' }));
    expect(timers()).toBe(before + 2);
    app.client.close();
    expect(timers()).toBe(before);
  });

  test('the state is the same object until something changes', async () => {
    const app = device(server.url);
    await turns(app, 'live');
    const before = app.client.state;
    server.visitor.events(1, 1);
    await eventually(() => server.visitor.acknowledged.length === 2);
    const after = app.client.state;
    expect(after).not.toBe(before);
    expect(app.client.state).toBe(after);
    expect(before.position?.offset).toBe(0);
  });
});
