import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { ConnectOptions, State } from '../../clients/web/src/index.js';
import { call } from '../support/drivers/back-office.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';
import { closeDevices, device, Disk, turns } from './device.js';
import { eventually } from './eventually.js';
import { Wire } from './wire.js';

describe('the client with the real server', () => {
  let usher: TestUsher;
  let wire: Wire;
  let user: string;
  let users = 0;
  beforeAll(async () => void (usher = await startUsher()));
  afterAll(() => usher.stop());
  beforeEach(async () => {
    user = `user-${++users}`;
    wire = await Wire.to(usher.url);
  });
  afterEach(() => {
    closeDevices();
    wire.close();
  });

  const app = async (deviceId: string, options: Partial<ConnectOptions> = {}) => {
    const opened = device(wire.url, { deviceId, token: () => usher.token(user), ...options });
    await turns(opened, 'live');
    return opened;
  };
  const publish = async (n: number, more: Record<string, unknown> = {}, node = usher) => {
    const event = { userId: user, type: 'note', tier: 'important', key: `note:${n}`, data: { n }, ...more };
    expect((await node.backOffice.publish([event])).status).toBe(202);
  };
  /** What `/v1/me/state` says, without what has no place in the client's view. */
  const serverState = async () => {
    const { body } = await call(usher.url, await usher.token(user), 'GET', '/v1/me/state');
    return body as unknown as State;
  };
  const agree = async (opened: ReturnType<typeof device>) => {
    const truth = await serverState();
    await eventually(() => expect(opened.client.state.position).toEqual(truth.position));
    const { entries, playback, membership } = opened.client.state;
    expect(entries).toEqual(truth.entries);
    expect(playback).toEqual(truth.playback);
    expect(membership).toEqual(truth.membership);
  };

  test('events arrive live and in order, and the state is the one that the server has', async () => {
    const tv = await app('tv');
    for (const n of [1, 2, 3, 2]) await publish(n);
    await eventually(() => expect(tv.offsets()).toEqual([1, 2, 3, 4]));
    await agree(tv);
  });

  test('what passed while the line was cut is heard once on return, the newest of each key', async () => {
    const tv = await app('tv');
    await publish(1);
    await eventually(() => expect(tv.offsets()).toEqual([1]));
    wire.cut();
    await turns(tv, 'offline');
    for (const n of [2, 3, 2]) await publish(n);
    wire.mend();
    await eventually(() => expect(tv.offsets()).toEqual([1, 3, 4]));
    await publish(5);
    await eventually(() => expect(tv.offsets()).toEqual([1, 3, 4, 5]));
    await agree(tv);
  });

  test('an event that got lost on the line is asked for, and nothing is heard out of order', async () => {
    const tv = await app('tv');
    wire.swallow('"lost"');
    await publish(1, { data: 'lost' });
    await eventually(() => wire.swallowed);
    await publish(2);
    await eventually(() => expect(tv.offsets()).toEqual([1, 2]));
    await agree(tv);
  });

  test('when its node dies a device goes on with another, where it was', async () => {
    const other = await usher.another();
    wire.leadTo(other.url);
    const tv = await app('tv');
    await publish(1, {}, other);
    await eventually(() => expect(tv.offsets()).toEqual([1]));
    await other.kill('SIGKILL');
    wire.leadTo(usher.url);
    await publish(2);
    await eventually(() => expect(tv.offsets()).toEqual([1, 2]));
    await agree(tv);
  });

  test('a restarted app hears only what it missed, and knows everything', async () => {
    const storage = new Disk();
    const before = await app('tv', { storage });
    await publish(1);
    await eventually(() => expect(before.offsets()).toEqual([1]));
    before.client.close();
    await publish(2);
    const after = await app('tv', { storage });
    expect(after.offsets()).toEqual([2]);
    await agree(after);
  });

  test('a beat on one device moves the state of the others, and its own', async () => {
    const tv = await app('tv');
    const phone = await app('phone');
    const beat = { showId: 'dark', positionSeconds: 610, durationSeconds: 3_000, state: 'playing' as const };
    await expect(tv.client.beat(beat)).resolves.toEqual({ nextSeconds: 60 });
    await eventually(() => expect(phone.client.state.playback).toMatchObject([{ ...beat, deviceId: 'tv' }]));
    expect(tv.client.state.playback).toMatchObject([{ ...beat, deviceId: 'tv' }]);
    expect(tv.heard).toEqual([]);
  });

  test('a payment changes what every device may do', async () => {
    const tv = await app('tv');
    expect(tv.client.state.membership).toMatchObject({ version: 0, status: 'none' });
    await usher.backOffice.putPlan('gold', ['price_gold']);
    const subscription = { id: `sub_${user}`, userId: user, price: 'price_gold', status: 'active' };
    await usher.stripe.sendEvent('customer.subscription.created', subscription);
    await eventually(() =>
      expect(tv.client.state.membership).toMatchObject({ status: 'active', planId: 'gold' }),
    );
    expect(tv.client.state.entitlement?.capabilities.streaming).toBe(true);
    await agree(tv);
    const [event] = tv.heard;
    await expect(tv.client.applied(event ?? { id: '' })).resolves.toBeUndefined();
  });

  test('a receipt for an event that this device never had is refused with its reason', async () => {
    const tv = await app('tv');
    const stranger = { id: '7f5a3a0e-5d0c-4c0e-9d0a-0123456789ab' };
    await expect(tv.client.seen(stranger)).rejects.toMatchObject({ code: 'unknown_event', retryable: false });
  });

  test('what was seen on one device is known on the others', async () => {
    const tv = await app('tv');
    const phone = await app('phone');
    await publish(1);
    await eventually(() => tv.heard.length === 1);
    await tv.client.receipt({ offset: 1, state: 'seen' });
    const told = () =>
      phone.heard.filter((event) => event.type === 'receipts.changed').map((event) => event.data);
    await eventually(() => expect(told()).toEqual([{ ids: [tv.heard[0]?.id], state: 'seen' }]));
  });

  test('an event for one device is heard there only, and leaves no hole on the others', async () => {
    const tv = await app('tv');
    const phone = await app('phone');
    await publish(1, { deviceId: 'phone' });
    await publish(2);
    await eventually(() => expect(phone.offsets()).toEqual([1, 2]));
    await eventually(() => expect(tv.offsets()).toEqual([2]));
    expect(tv.client.state.position?.offset).toBe(2);
  });

  test('a token that expires is renewed on the line, and a dead one at the door', async () => {
    const lives = ['-1 minute', '30 seconds', '1h'];
    let fetched = 0;
    const lost: string[] = [];
    const tv = device(wire.url, { token: () => usher.token(user, { expiresIn: lives[fetched++] ?? '1h' }) });
    tv.client.on('offline', (why) => void lost.push(why.code));
    await turns(tv, 'live');
    expect(fetched).toBe(2);
    await eventually(() => fetched === 3); // the server asks a minute before the end
    await publish(1);
    await eventually(() => expect(tv.offsets()).toEqual([1]));
    expect(lost).toEqual([]);
  });

  test('a token of nobody closes the client with the reason', async () => {
    const token = await usher.token(user, { secret: 'a secret that the server does not know, long enough' });
    const refused: string[] = [];
    const tv = device(wire.url, { token });
    tv.client.on('refused', (why) => void refused.push(why.code));
    await turns(tv, 'closed');
    expect(refused).toEqual(['token_invalid']);
  });

  test('however often the line breaks, each event is heard at most once, in order, and the state is right', async () => {
    const tv = await app('tv');
    for (let n = 1; n <= 60; n++) {
      const published = publish(n % 7);
      if (n % 9 === 0) wire.cut();
      if (n % 9 === 2) wire.mend();
      await published;
    }
    wire.mend();
    await agree(tv);
    const offsets = tv.offsets().map(Number);
    expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
    expect(offsets).toEqual(
      expect.arrayContaining((await serverState()).entries.map((entry) => entry.offset)),
    );
  });
});
