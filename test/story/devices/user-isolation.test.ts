import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Device } from '../../support/drivers/device.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(() => usher.stop());

const publish = (userId: string, type: string, more: Record<string, unknown> = {}) =>
  usher.backOffice.publish([{ userId, type, tier: 'important', data: { secretOf: userId }, ...more }]);

/** Returns the received events that belong to another user. */
const eventsOfOthers = (device: Device, userId: string) =>
  device.envelopes().filter(({ data }) => 'secretOf' in data && data.secretOf !== userId);

describe('nothing reaches another user’s device', () => {
  test('an event reaches every device of its user and no other device', async () => {
    const ownDevices = [await usher.device('ann', 'ann-1'), await usher.device('ann', 'ann-2')];
    const others = [
      await usher.device('an', 'an-1'),
      await usher.device('ann.', 'ann.-1'),
      await usher.device('Ann', 'Ann-1'),
    ];
    await publish('ann', 'note.private');
    await Promise.all(ownDevices.map((device) => device.waitFor('note.private')));
    for (const userId of ['an', 'ann.', 'Ann']) await publish(userId, 'note.own');
    await Promise.all(others.map((device) => device.waitFor('note.own')));
    expect(others.flatMap((device) => device.envelopes('note.private'))).toEqual([]);
  });

  test('a device on which another user signs in belongs to that user at once: the old socket is closed and receives nothing more', async () => {
    const before = await usher.device('bob', 'shared-tv');
    const after = await usher.device('cleo', 'shared-tv');
    await before.disconnected();
    await publish('bob', 'note.for-bob');
    await publish('cleo', 'note.for-cleo');
    await after.waitFor('note.for-cleo');
    expect(eventsOfOthers(after, 'cleo')).toEqual([]);
    expect(before.envelopes()).toEqual([]);
    const devices = async (userId: string) =>
      (await usher.callAs(userId, 'GET', '/v1/me/devices')).body.devices as {
        deviceId: string;
      }[];
    expect(await devices('bob')).toEqual([]);
    expect((await devices('cleo')).map(({ deviceId }) => deviceId)).toEqual(['shared-tv']);
  });

  test('a device that another user registers loses the push address and the name of its former owner', async () => {
    const device = {
      platform: 'ios',
      name: 'Dan’s phone',
      push: { kind: 'apns', address: 'dans-push-token' },
    };
    await usher.callAs('dan', 'PUT', '/v1/me/devices/moving-phone', device);
    const live = await usher.device('dan', 'moving-phone');
    const { status, body } = await usher.callAs('eve', 'PUT', '/v1/me/devices/moving-phone', {
      platform: 'ios',
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ deviceId: 'moving-phone', name: null, push: null });
    await live.disconnected();
    const rows = await usher.database.query(
      `SELECT user_id, push FROM device WHERE device_id = 'moving-phone'`,
    );
    expect(rows).toEqual([{ user_id: 'eve', push: null }]);
  });

  test('a removed device is disconnected', async () => {
    const device = await usher.device('fay', 'fay-tv');
    const { status } = await usher.callAs('fay', 'DELETE', '/v1/me/devices/fay-tv');
    expect(status).toBe(204);
    await device.disconnected();
  });

  test('no name, position or room that a device sends gives access to another user’s mailbox', async () => {
    await publish('gus', 'note.of-gus');
    const gus = await usher.device('gus', 'gus-tv');
    const { epoch } = (await gus.waitFor('welcome')) as unknown as { epoch: string };
    const thief = await usher.device('hal', 'hal-tv', {
      position: { epoch, offset: 0 },
      auth: { userId: 'gus', room: 'user:gus', profileId: 'main', sub: 'gus' },
    });
    for (const event of ['join', 'subscribe', 'room', 'user:gus'])
      thief.socket.emit(event, 'gus', 'user:gus');
    expect(await thief.request('sync', { epoch, offset: 0, userId: 'gus' })).toEqual({ ok: true });
    await publish('gus', 'note.more-of-gus');
    await gus.waitFor('note.more-of-gus');
    await publish('hal', 'note.of-hal');
    await thief.waitFor('note.of-hal');
    expect(eventsOfOthers(thief, 'hal')).toEqual([]);
    expect(
      thief.received.filter(({ event }) => event === 'snapshot').flatMap(({ payload }) => payload.entries),
    ).toEqual([]);
  });

  test('a receipt for another user’s event is rejected and changes nothing', async () => {
    const { body } = await publish('ida', 'note.of-ida');
    const [accepted] = body.accepted as { id: string }[];
    const thief = await usher.device('jon', 'jon-tv');
    const reply = await thief.request('receipt', { ids: [accepted?.id], state: 'seen' });
    expect(reply).toMatchObject({ ok: false, error: { code: 'unknown_event' } });
    expect(await usher.database.query(`SELECT 1 FROM receipt WHERE event_id = $1`, [accepted?.id])).toEqual(
      [],
    );
  });

  test('a token of another user cannot take over a live connection', async () => {
    const device = await usher.device('kim', 'kim-tv');
    const reply = await device.request('token.refresh', { token: await usher.token('lea') });
    expect(reply).toMatchObject({ ok: false, error: { code: 'token_invalid' } });
    await publish('kim', 'note.of-kim');
    await device.waitFor('note.of-kim');
  });

  test('a device whose token has expired is disconnected and receives nothing more', async () => {
    const device = await usher.device('max', 'max-tv', {
      token: await usher.token('max', { expiresIn: '1s' }),
    });
    const other = await usher.device('max', 'max-phone');
    await device.waitFor('token.expiring');
    await device.disconnected();
    await publish('max', 'note.late');
    await other.waitFor('note.late');
    expect(device.envelopes('note.late')).toEqual([]);
  });

  test('a device’s heartbeat reaches the user’s other devices, never itself or another user', async () => {
    const tv = await usher.device('ned', 'ned-tv');
    const phone = await usher.device('ned', 'ned-phone');
    const stranger = await usher.device('oda', 'oda-tv');
    expect(await tv.heartbeat({ positionSeconds: 700 })).toMatchObject({ ok: true, nextSeconds: 60 });
    expect((await phone.waitFor('playback.progress')).data).toMatchObject({
      showId: 'show',
      positionSeconds: 700,
      deviceId: 'ned-tv',
    });
    await usher.backOffice.publish(
      ['ned', 'oda'].map((userId) => ({ userId, type: 'note.after', tier: 'routine', data: {} })),
    );
    await Promise.all([tv.waitFor('note.after'), stranger.waitFor('note.after')]);
    expect([...tv.envelopes('playback.progress'), ...stranger.envelopes('playback.progress')]).toEqual([]);
  });

  test('an event for one device carries its target; the other devices receive it too and only move their position', async () => {
    const tv = await usher.device('pia', 'pia-tv');
    const phone = await usher.device('pia', 'pia-phone');
    await publish('pia', 'note.for-tv', { deviceId: 'pia-tv' });
    const [onTv, onPhone] = await Promise.all([tv.waitFor('note.for-tv'), phone.waitFor('note.for-tv')]);
    expect([onTv.target, onPhone.target]).toEqual(['pia-tv', 'pia-tv']);
    await eventually('both positions moved', () => tv.offsets()[0] === 1 && phone.offsets()[0] === 1);
  });
});
