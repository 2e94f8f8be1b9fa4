import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call } from '../../support/drivers/back-office.js';
import { eventually } from '../../support/eventually.js';
import { waitForPushState, pushStates, registerPhone } from '../../support/drivers/phone.js';
import { expectProblem } from '../../support/expectations.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher({ NODE_ENV: 'development', ACK_TIMEOUT_SECONDS: '1' });
});
afterAll(() => usher.stop());

const note = (userId: string, more: Record<string, unknown> = {}) => ({
  userId,
  type: 'note.written',
  tier: 'critical',
  data: { title: `For ${userId}` },
  ...more,
});
const devicesOf = async (userId: string) =>
  (await usher.callAs(userId, 'GET', '/v1/me/devices')).body.devices as {
    deviceId: string;
    push: unknown;
  }[];

describe('a push provider', () => {
  test('that is unavailable for a while loses no notification and shows none twice', async () => {
    const devices = await Promise.all([1, 2, 3].map((n) => registerPhone(usher, 'ann', `ann-${n}`)));
    await Promise.all(devices.map((one) => one.setProviderOutcome({ is: 'again', reason: 'unavailable' })));
    await usher.backOffice.publish([note('ann'), note('ann')]);
    await Promise.all(devices.map((one) => one.waitForPushes(3))); // each was retried
    await Promise.all(devices.map((one) => one.setProviderOutcome(null)));
    for (const one of devices) {
      const { notes, arrived } = await one.waitForNotifications(2);
      expect(new Set(notes.map(({ id }) => id)).size).toBe(2);
      expect(arrived.filter(({ verdict }) => verdict === 'delivered')).toHaveLength(2);
    }
  });

  test('that returns a Retry-After is not called before that time', async () => {
    const phone = await registerPhone(usher, 'ben', 'ben-phone');
    await phone.setProviderOutcome({ is: 'again', afterMs: 1_500, reason: 'too_many_requests' });
    await usher.backOffice.publish([note('ben')]);
    await phone.waitForPushes(1);
    await phone.setProviderOutcome(null);
    const { arrived } = await phone.waitForNotifications(1);
    const [second, first] = arrived.map(({ at }) => Date.parse(at));
    expect(Number(second) - Number(first)).toBeGreaterThanOrEqual(1_500);
  });

  test('that reports a dead address: the address is deleted, and nothing is sent to it any more', async () => {
    const phone = await registerPhone(usher, 'cem', 'cem-phone');
    await phone.setProviderOutcome({ is: 'gone', reason: 'unregistered' });
    await usher.backOffice.publish([note('cem')]);
    await waitForPushState(usher, 'cem-phone', 'gone', 'unregistered');
    expect(await devicesOf('cem')).toEqual([expect.objectContaining({ deviceId: 'cem-phone', push: null })]);
    await usher.backOffice.publish([note('cem')]);
    expect((await phone.lockScreen()).arrived).toHaveLength(1);
  });

  test('that reports as dead an address that was registered again since: the address is kept', async () => {
    const phone = await registerPhone(usher, 'dora', 'dora-phone');
    await phone.setProviderOutcome({
      is: 'gone',
      since: new Date(Date.now() - 60_000).toISOString(),
      reason: 'unregistered',
    });
    await usher.backOffice.publish([note('dora')]);
    await phone.waitForPushes(1);
    await phone.setProviderOutcome(null);
    await phone.waitForNotifications(1);
    expect(await devicesOf('dora')).toEqual([expect.objectContaining({ push: { kind: 'fcm_token' } })]);
  });

  test('that rejects a message is not called again for it; one that rejects our credentials is, later', async () => {
    const phone = await registerPhone(usher, 'eli', 'eli-phone');
    await phone.setProviderOutcome({ is: 'sender_fault', reason: 'too_large' });
    await usher.backOffice.publish([note('eli')]);
    await waitForPushState(usher, 'eli-phone', 'failed', 'too_large');
    const ours = await registerPhone(usher, 'fay', 'fay-phone');
    await ours.setProviderOutcome({ is: 'our_fault', reason: 'bad_credentials' });
    await usher.backOffice.publish([note('fay')]);
    await waitForPushState(usher, 'fay-phone', 'queued', 'bad_credentials');
    expect((await ours.lockScreen()).arrived).toHaveLength(1);
  });

  test('is not called for an event that expires first', async () => {
    const phone = await registerPhone(usher, 'gus', 'gus-phone');
    await phone.setProviderOutcome({ is: 'again', afterMs: 60_000, reason: 'busy' });
    await usher.backOffice.publish([note('gus', { expiresAt: new Date(Date.now() + 30_000).toISOString() })]);
    await waitForPushState(usher, 'gus-phone', 'expired', 'busy');
  });
});

describe('a device that moves to another user', () => {
  test('receives no push that was queued for its former owner', async () => {
    const phone = await registerPhone(usher, 'hal', 'shared-phone');
    await phone.setProviderOutcome({ is: 'again', afterMs: 1_000, reason: 'busy' });
    await usher.backOffice.publish([note('hal')]);
    await phone.waitForPushes(1);
    await phone.register('ida');
    await phone.setProviderOutcome(null);
    expect(await pushStates(usher, 'shared-phone')).toEqual([
      { state: 'withdrawn', reason: 'device_changed' },
    ]);
    await usher.backOffice.publish([note('hal'), note('ida')]);
    const { notes, arrived } = await phone.waitForNotifications(1);
    expect(notes[0]?.title).toBe('For ida');
    expect(arrived.filter(({ message }) => message.data.userId === 'hal')).toHaveLength(1); // the attempt before the move
  });

  test('takes its push address with it: the address belongs to the device that registered it last', async () => {
    const old = await registerPhone(usher, 'jan', 'jan-phone');
    const push = { kind: 'fcm_token', address: old.address };
    const body = { platform: 'android', push };
    await usher.callAs('kim', 'PUT', '/v1/me/devices/kim-phone', body);
    expect(await devicesOf('jan')).toEqual([expect.objectContaining({ push: null })]);
    await usher.backOffice.publish([note('jan'), note('kim')]);
    const { notes } = await old.waitForNotifications(1);
    expect(notes[0]?.title).toBe('For kim');
  });

  test('receives no push after it signed out', async () => {
    const phone = await registerPhone(usher, 'lea', 'lea-phone');
    await phone.setProviderOutcome({ is: 'again', afterMs: 500, reason: 'busy' });
    await usher.backOffice.publish([note('lea')]);
    await phone.waitForPushes(1);
    await usher.callAs('lea', 'DELETE', '/v1/me/devices/lea-phone');
    expect(await pushStates(usher, 'lea-phone')).toEqual([{ state: 'withdrawn', reason: 'device_changed' }]);
  });
});

describe('a device', () => {
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
      async () => (await usher.database.query('SELECT 1 FROM fallback')).length === 0,
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

describe('the push forecast', () => {
  test('returns how many pushes wait for each provider and when they will be sent, to admins only', async () => {
    const { status, body } = await usher.backOffice.call('GET', '/v1/push/forecast');
    expect(status).toBe(200);
    const fcm = (body.vendors as Record<string, unknown>[]).find(({ vendor }) => vendor === 'fcm');
    expect(fcm).toMatchObject({ perSecond: 10_000, waiting: { critical: 0, important: 0 }, seconds: 0 });
    expectProblem(await usher.callAs('ann', 'GET', '/v1/push/forecast'), 401, 'unauthorized');
  });
});
