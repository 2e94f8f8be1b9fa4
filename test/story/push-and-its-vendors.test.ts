import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call } from '../support/back-office.js';
import { eventually } from '../support/eventually.js';
import { fate, fates, phone } from '../support/phone.js';
import { expectProblem } from '../support/refusals.js';
import { startUsher, type TestUsher } from '../support/usher.js';

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
  (await call(usher.url, await usher.token(userId), 'GET', '/v1/me/devices')).body.devices as {
    deviceId: string;
    push: unknown;
  }[];

describe('a vendor', () => {
  test('that is away for a while loses nothing and shows nothing twice', async () => {
    const phones = await Promise.all([1, 2, 3].map((n) => phone(usher, 'ann', `ann-${n}`)));
    await Promise.all(phones.map((one) => one.trouble({ is: 'retry', reason: 'unavailable' })));
    await usher.backOffice.publish([note('ann'), note('ann')]);
    await Promise.all(phones.map((one) => one.gets(3))); // each tried again
    await Promise.all(phones.map((one) => one.trouble(null)));
    for (const one of phones) {
      const { notes, arrived } = await one.shows(2);
      expect(new Set(notes.map(({ id }) => id)).size).toBe(2);
      expect(arrived.filter(({ verdict }) => verdict === 'delivered')).toHaveLength(2);
    }
  });

  test('that says when to come back is not asked before', async () => {
    const pixel = await phone(usher, 'ben', 'ben-phone');
    await pixel.trouble({ is: 'retry', afterMs: 1_500, reason: 'too_many_requests' });
    await usher.backOffice.publish([note('ben')]);
    await pixel.gets(1);
    await pixel.trouble(null);
    const { arrived } = await pixel.shows(1);
    const [second, first] = arrived.map(({ at }) => Date.parse(at));
    expect(Number(second) - Number(first)).toBeGreaterThanOrEqual(1_500);
  });

  test('that says that an address is dead is believed: it is forgotten, and nothing is sent to it any more', async () => {
    const pixel = await phone(usher, 'cem', 'cem-phone');
    await pixel.trouble({ is: 'unregistered', reason: 'unregistered' });
    await usher.backOffice.publish([note('cem')]);
    await fate(usher, 'cem-phone', 'gone', 'unregistered');
    expect(await devicesOf('cem')).toEqual([expect.objectContaining({ deviceId: 'cem-phone', push: null })]);
    await usher.backOffice.publish([note('cem')]);
    expect((await pixel.screen()).arrived).toHaveLength(1);
  });

  test('that means an older registration is not: an address that was registered since lives', async () => {
    const pixel = await phone(usher, 'dora', 'dora-phone');
    await pixel.trouble({
      is: 'unregistered',
      since: new Date(Date.now() - 60_000).toISOString(),
      reason: 'unregistered',
    });
    await usher.backOffice.publish([note('dora')]);
    await pixel.gets(1);
    await pixel.trouble(null);
    await pixel.shows(1);
    expect(await devicesOf('dora')).toEqual([expect.objectContaining({ push: { kind: 'fcm_token' } })]);
  });

  test('that refuses a message for good is not asked again; one that refuses us is, slowly', async () => {
    const pixel = await phone(usher, 'eli', 'eli-phone');
    await pixel.trouble({ is: 'rejected', reason: 'too_large' });
    await usher.backOffice.publish([note('eli')]);
    await fate(usher, 'eli-phone', 'failed', 'too_large');
    const ours = await phone(usher, 'fay', 'fay-phone');
    await ours.trouble({ is: 'misconfigured', reason: 'bad_credentials' });
    await usher.backOffice.publish([note('fay')]);
    await fate(usher, 'fay-phone', 'queued', 'bad_credentials');
    expect((await ours.screen()).arrived).toHaveLength(1);
  });

  test('is not asked for what expires meanwhile', async () => {
    const pixel = await phone(usher, 'gus', 'gus-phone');
    await pixel.trouble({ is: 'retry', afterMs: 60_000, reason: 'busy' });
    await usher.backOffice.publish([note('gus', { expiresAt: new Date(Date.now() + 30_000).toISOString() })]);
    await fate(usher, 'gus-phone', 'expired', 'busy');
  });
});

describe('a device that changes hands', () => {
  test('gets nothing that was queued for its former owner', async () => {
    const pixel = await phone(usher, 'hal', 'shared-phone');
    await pixel.trouble({ is: 'retry', afterMs: 1_000, reason: 'busy' });
    await usher.backOffice.publish([note('hal')]);
    await pixel.gets(1);
    await pixel.register('ida');
    await pixel.trouble(null);
    expect(await fates(usher, 'shared-phone')).toEqual([{ state: 'withdrawn', reason: 'device_changed' }]);
    await usher.backOffice.publish([note('hal'), note('ida')]);
    const { notes, arrived } = await pixel.shows(1);
    expect(notes[0]?.title).toBe('For ida');
    expect(arrived.filter(({ message }) => message.data.userId === 'hal')).toHaveLength(1); // what was tried before
  });

  test('takes its address along: the device that named it last has it, on whatever account', async () => {
    const old = await phone(usher, 'jan', 'jan-phone');
    const push = { kind: 'fcm_token', address: old.address };
    const body = { platform: 'android', push };
    await call(usher.url, await usher.token('kim'), 'PUT', '/v1/me/devices/kim-phone', body);
    expect(await devicesOf('jan')).toEqual([expect.objectContaining({ push: null })]);
    await usher.backOffice.publish([note('jan'), note('kim')]);
    const { notes } = await old.shows(1);
    expect(notes[0]?.title).toBe('For kim');
  });

  test('signs out: nothing is sent to it any more', async () => {
    const pixel = await phone(usher, 'lea', 'lea-phone');
    await pixel.trouble({ is: 'retry', afterMs: 500, reason: 'busy' });
    await usher.backOffice.publish([note('lea')]);
    await pixel.gets(1);
    await call(usher.url, await usher.token('lea'), 'DELETE', '/v1/me/devices/lea-phone');
    expect(await fates(usher, 'lea-phone')).toEqual([{ state: 'withdrawn', reason: 'device_changed' }]);
  });
});

describe('a device', () => {
  test('says over its socket where it can be reached, and what it leaves out stays', async () => {
    const pixel = await phone(usher, 'mia', 'mia-phone', { name: 'Pixel', push: undefined });
    const device = await usher.device('mia', 'mia-phone');
    const push = { kind: 'fcm_token', address: pixel.address };
    expect(await device.ask('device.update', { timezone: 'Europe/Berlin', push })).toMatchObject({
      ok: true,
    });
    expect(
      await device.ask('device.update', { push: { kind: 'webpush', address: 'http://inside' } }),
    ).toMatchObject({
      ok: false,
      error: { code: 'invalid_request' },
    });
    expect(await devicesOf('mia')).toEqual([
      expect.objectContaining({ name: 'Pixel', timezone: 'Europe/Berlin', push: { kind: 'fcm_token' } }),
    ]);
    expect(await device.ask('device.update', { push: null })).toMatchObject({ ok: true });
    expect(await devicesOf('mia')).toEqual([expect.objectContaining({ push: null })]);
  });

  test('that nobody saw for a month is told only what is critical', async () => {
    const pixel = await phone(usher, 'ned', 'ned-phone');
    await usher.database.query(
      `UPDATE device SET last_seen_at = now() - interval '31 days' WHERE device_id = 'ned-phone'`,
    );
    await usher.backOffice.publish([note('ned', { tier: 'important' })]);
    await eventually(
      'the clock is through',
      async () => (await usher.database.query("SELECT 1 FROM handoff WHERE consumer = 'push'")).length === 0,
    );
    await usher.backOffice.publish([note('ned', { data: { title: 'critical' } })]);
    expect((await pixel.shows(1)).notes[0]?.title).toBe('critical');
  });

  test('that nobody saw for most of a year is retired', async () => {
    await phone(usher, 'pia', 'pia-old');
    await phone(usher, 'pia', 'pia-phone');
    await usher.database.query(
      `UPDATE device SET last_seen_at = now() - interval '271 days' WHERE device_id = 'pia-old'`,
    );
    await usher.another({ ROLES: 'worker' }); // looks when it starts
    await eventually('it is retired', async () => (await devicesOf('pia')).length === 1);
    expect((await devicesOf('pia'))[0]?.deviceId).toBe('pia-phone');
  });

  test('too many makes the one that was not seen for longest give way', async () => {
    const token = await usher.token('olga');
    for (let n = 0; n < 51; n += 1)
      await call(usher.url, token, 'PUT', `/v1/me/devices/olga-${n}`, { platform: 'web' });
    const ids = (await devicesOf('olga')).map(({ deviceId }) => deviceId);
    expect(ids).toHaveLength(50);
    expect(ids).not.toContain('olga-0');
  });
});

describe('the forecast', () => {
  test('says what waits for each vendor and when it is through, to whoever may ask', async () => {
    const { status, body } = await usher.backOffice.call('GET', '/v1/push/forecast');
    expect(status).toBe(200);
    const fcm = (body.vendors as Record<string, unknown>[]).find(({ vendor }) => vendor === 'fcm');
    expect(fcm).toMatchObject({ perSecond: 10_000, waiting: { critical: 0, important: 0 }, seconds: 0 });
    expectProblem(
      await call(usher.url, await usher.token('ann'), 'GET', '/v1/push/forecast'),
      401,
      'unauthorized',
    );
  });
});
