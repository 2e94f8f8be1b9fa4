import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call } from '../../support/drivers/back-office.js';
import { noteFor, pushStates, registerPhone } from '../../support/drivers/phone.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher({ NODE_ENV: 'development', ACK_TIMEOUT_SECONDS: '1' });
});
afterAll(() => usher.stop());

const note = (userId: string, changes: Record<string, unknown> = {}) =>
  noteFor(userId, { data: { title: `For ${userId}` }, ...changes });
const devicesOf = async (userId: string) =>
  (await usher.callAs(userId, 'GET', '/v1/me/devices')).body.devices as {
    deviceId: string;
    push: unknown;
  }[];

describe('a push address', () => {
  test('that another user registers, on a device with the same id, leaves its former device at once, with all that is queued for it', async () => {
    const phone = await registerPhone(usher, 'hal', 'shared-phone');
    await phone.setProviderOutcome({ is: 'retry', afterMs: 1_000, reason: 'busy' });
    await usher.backOffice.publish([note('hal')]);
    await phone.waitForPushes(1);
    await phone.register('ida');
    await phone.setProviderOutcome(null);
    expect(await pushStates(usher, 'shared-phone')).toEqual([
      { state: 'withdrawn', reason: 'address_moved' },
    ]);
    expect(await devicesOf('hal')).toEqual([
      expect.objectContaining({ deviceId: 'shared-phone', push: null }),
    ]);
    await usher.backOffice.publish([note('hal'), note('ida')]);
    const { notes, arrived } = await phone.waitForNotifications(1);
    expect(notes[0]?.title).toBe('For ida');
    expect(arrived.filter(({ message }) => message.data.userId === 'hal')).toHaveLength(1); // the attempt before
  });

  test('belongs to the device that registered it last, whatever its id, by a call or over its socket', async () => {
    const old = await registerPhone(usher, 'jan', 'jan-phone');
    const push = { kind: 'fcm_token', address: old.address };
    await usher.callAs('kim', 'PUT', '/v1/me/devices/kim-phone', { platform: 'android', push });
    expect(await devicesOf('jan')).toEqual([expect.objectContaining({ push: null })]);
    await usher.backOffice.publish([note('jan'), note('kim')]);
    const { notes } = await old.waitForNotifications(1);
    expect(notes[0]?.title).toBe('For kim');
    const device = await usher.device('jan', 'jan-phone');
    expect(await device.request('device.update', { push })).toEqual({ ok: true });
    expect(await devicesOf('kim')).toEqual([expect.objectContaining({ push: null })]);
    expect(await devicesOf('jan')).toEqual([expect.objectContaining({ push: { kind: 'fcm_token' } })]);
    device.close();
  });

  test('of a device stays when another user connects with the same id, and each gets the own pushes', async () => {
    const [max, noa] = [
      await registerPhone(usher, 'max', 'living-room-phone'),
      await registerPhone(usher, 'noa', 'living-room-phone'),
    ];
    (await usher.device('noa', 'living-room-phone', { platform: 'android' })).close();
    await usher.backOffice.publish([note('max'), note('noa')]);
    expect((await max.waitForNotifications(1)).notes[0]?.title).toBe('For max');
    expect((await noa.waitForNotifications(1)).notes[0]?.title).toBe('For noa');
  });

  test('that its provider no longer accepts is removed from its own device alone', async () => {
    const [otto, pam] = [
      await registerPhone(usher, 'otto', 'hall-phone'),
      await registerPhone(usher, 'pam', 'hall-phone'),
    ];
    await otto.setProviderOutcome({ is: 'unregistered', reason: 'UNREGISTERED' });
    await usher.backOffice.publish([note('otto'), note('pam')]);
    expect((await pam.waitForNotifications(1)).notes[0]?.title).toBe('For pam');
    await eventually('the address is gone', async () => (await devicesOf('otto'))[0]?.push === null);
    expect(await devicesOf('pam')).toEqual([expect.objectContaining({ push: { kind: 'fcm_token' } })]);
  });
});

describe('a device', () => {
  test('receives no push after it signed out', async () => {
    const phone = await registerPhone(usher, 'lea', 'lea-phone');
    await phone.setProviderOutcome({ is: 'retry', afterMs: 500, reason: 'busy' });
    await usher.backOffice.publish([note('lea')]);
    await phone.waitForPushes(1);
    await usher.callAs('lea', 'DELETE', '/v1/me/devices/lea-phone');
    expect(await pushStates(usher, 'lea-phone')).toEqual([{ state: 'withdrawn', reason: 'device_changed' }]);
  });

  test('can update its push address over its socket, and what it leaves out stays as it was', async () => {
    const phone = await registerPhone(usher, 'mia', 'mia-phone', { name: 'Pixel', push: undefined });
    const device = await usher.device('mia', 'mia-phone');
    const push = { kind: 'fcm_token', address: phone.address };
    expect(await device.request('device.update', { timezone: 'Europe/Berlin', push })).toMatchObject({
      ok: true,
    });
    expect(
      await device.request('device.update', { push: { kind: 'webpush', address: 'http://inside' } }),
    ).toMatchObject({
      ok: false,
      error: { code: 'invalid_request' },
    });
    expect(await devicesOf('mia')).toEqual([
      expect.objectContaining({ name: 'Pixel', timezone: 'Europe/Berlin', push: { kind: 'fcm_token' } }),
    ]);
    expect(await device.request('device.update', { push: null })).toMatchObject({ ok: true });
    expect(await devicesOf('mia')).toEqual([expect.objectContaining({ push: null })]);
  });

  test('that has not connected for a month receives only critical pushes', async () => {
    const phone = await registerPhone(usher, 'ned', 'ned-phone');
    await usher.database.query(
      `UPDATE device SET last_seen_at = now() - interval '31 days' WHERE device_id = 'ned-phone'`,
    );
    await usher.backOffice.publish([note('ned', { tier: 'important' })]);
    await eventually(
      'the fallback handled every event',
      async () => (await usher.database.query("SELECT 1 FROM handoff WHERE consumer = 'push'")).length === 0,
    );
    await usher.backOffice.publish([note('ned', { data: { title: 'critical' } })]);
    expect((await phone.waitForNotifications(1)).notes[0]?.title).toBe('critical');
  });

  test('that has not connected for nine months is retired', async () => {
    await registerPhone(usher, 'pia', 'pia-old');
    await registerPhone(usher, 'pia', 'pia-phone');
    await usher.database.query(
      `UPDATE device SET last_seen_at = now() - interval '271 days' WHERE device_id = 'pia-old'`,
    );
    await usher.another({ ROLES: 'worker' }); // retires devices when it starts
    await eventually('the device is retired', async () => (await devicesOf('pia')).length === 1);
    expect((await devicesOf('pia'))[0]?.deviceId).toBe('pia-phone');
  });

  test('beyond the limit of 50 replaces the one that has not connected for the longest time', async () => {
    const token = await usher.token('olga');
    for (let n = 0; n < 51; n += 1)
      await call(usher.url, token, 'PUT', `/v1/me/devices/olga-${n}`, { platform: 'web' });
    const ids = (await devicesOf('olga')).map(({ deviceId }) => deviceId);
    expect(ids).toHaveLength(50);
    expect(ids).not.toContain('olga-0');
  });
});
