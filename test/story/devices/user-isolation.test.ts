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

  test('two users whose devices have the same id never notice each other: connections, names, targets, receipts, removals', async () => {
    const bob = await usher.device('bob', 'living-room-tv');
    await usher.callAs('bob', 'PUT', '/v1/me/devices/living-room-tv', { platform: 'tv', name: 'Bob’s' });
    const cleo = await usher.device('cleo', 'living-room-tv');
    await usher.callAs('cleo', 'PUT', '/v1/me/devices/living-room-tv', { platform: 'web' });
    await publish('bob', 'note.for-bob', { deviceId: 'living-room-tv' });
    await publish('cleo', 'note.for-cleo', { deviceId: 'living-room-tv' });
    const [{ offset }] = await Promise.all([bob.waitFor('note.for-bob'), cleo.waitFor('note.for-cleo')]);
    expect(await bob.request('receipt', { offset, state: 'seen' })).toEqual({ ok: true });
    const devices = async (userId: string) =>
      (await usher.callAs(userId, 'GET', '/v1/me/devices')).body.devices as { deviceId: string }[];
    expect(await devices('bob')).toMatchObject([
      { deviceId: 'living-room-tv', platform: 'tv', name: 'Bob’s' },
    ]);
    expect(await devices('cleo')).toMatchObject([
      { deviceId: 'living-room-tv', platform: 'web', name: null },
    ]);
    await usher.callAs('cleo', 'DELETE', '/v1/me/devices/living-room-tv');
    await cleo.disconnected();
    await publish('bob', 'note.after');
    await bob.waitFor('note.after');
    expect([...eventsOfOthers(bob, 'bob'), ...eventsOfOthers(cleo, 'cleo')]).toEqual([]);
    expect(await devices('bob')).toHaveLength(1);
    expect(await devices('cleo')).toEqual([]);
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
      token: await usher.token('max', { expiresIn: '3s' }),
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
