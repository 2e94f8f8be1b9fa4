import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { HttpReply } from '../../support/drivers/back-office.js';
import { noteFor, registerPhone, waitForPushState } from '../../support/drivers/phone.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher({ NODE_ENV: 'development', ACK_TIMEOUT_SECONDS: '1' });
});
afterAll(() => usher.stop());

const note = (userId: string, changes: Record<string, unknown> = {}) =>
  noteFor(userId, { tier: 'important', ...changes });
const callAs = async (userId: string, method: string, path: string, body?: unknown): Promise<HttpReply> =>
  usher.callAs(userId, method, path, body);
const setPreferences = async (userId: string, body: unknown) => {
  const reply = await callAs(userId, 'PUT', '/v1/me/preferences', body);
  expect(reply.status).toBe(200);
  return reply.body;
};
/** Returns quiet hours in UTC that began an hour ago and end in an hour. */
const quietNow = () => {
  const clock = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16);
  return { start: clock(-1), end: clock(1) };
};

describe('preferences', () => {
  test('have defaults, are stored as given, and return to their defaults when they are left out', async () => {
    const defaults = {
      categories: { recommendations: { channels: { push: false } } },
      quietHours: null,
      oneDeviceIsEnough: false,
    };
    expect((await callAs('ann', 'GET', '/v1/me/preferences')).body).toEqual(defaults);
    const preferences = {
      categories: { promo: { channels: { push: false } }, note: { quietHours: null } },
      quietHours: { start: '22:00', end: '07:00' },
      oneDeviceIsEnough: true,
    };
    expect(await setPreferences('ann', preferences)).toEqual({
      ...preferences,
      categories: { ...defaults.categories, ...preferences.categories },
    });
    expect((await callAs('ann', 'GET', '/v1/me/preferences')).body).toMatchObject(preferences);
    expect((await usher.backOffice.call('GET', '/v1/users/ann')).body).toMatchObject({ preferences });
    expect(await setPreferences('ann', {})).toEqual(defaults);
  });

  test.each([
    ['an invalid time', { quietHours: { start: '24:00', end: '07:00' } }],
    ['quiet hours without an end', { quietHours: { start: '22:00' } }],
    ['quiet hours of zero length', { quietHours: { start: '22:00', end: '22:00' } }],
    ['a category that is not a word', { categories: { 'a b': { channels: { push: true } } } }],
    ['a channel that is not a boolean', { categories: { promo: { channels: { push: 'yes' } } } }],
    [
      'too many categories',
      { categories: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`c${n}`, {}])) },
    ],
  ])('%s is rejected', async (_, wrong) => {
    expectProblem(await callAs('ann', 'PUT', '/v1/me/preferences', wrong), 400, 'invalid_request');
  });
});

describe('an important event', () => {
  test('is not pushed when its category is off, or kept for a digest; a critical one is', async () => {
    await setPreferences('ben', {
      categories: { note: { channels: { push: false } }, daily: { delivery: 'digest' } },
    });
    const phone = await registerPhone(usher, 'ben', 'ben-phone');
    await usher.backOffice.publish([
      note('ben'),
      note('ben', { tier: 'critical', data: { title: 'Urgent' } }),
    ]);
    await usher.backOffice.publish([
      note('ben', { type: 'daily.news', data: { title: 'In the digest' } }),
      note('ben', { type: 'other.news', data: { title: 'Other' } }),
    ]);
    const { notes } = await phone.waitForNotifications(2);
    expect(notes.map(({ title }) => title)).toEqual(['Other', 'Urgent']);
  });

  test('for new recommendations is pushed only to users who asked for it, in their language if Usher has it', async () => {
    await setPreferences('cem', { categories: { recommendations: { channels: { push: true } } } });
    const german = await registerPhone(usher, 'cem', 'cem-de', { locale: 'de-CH' });
    const finnish = await registerPhone(usher, 'cem', 'cem-fi', { locale: 'fi' });
    const unasked = await registerPhone(usher, 'nobody-asked', 'nobodys-phone');
    await usher.backOffice.recommend(
      ['nobody-asked', 'cem'].map((userId) => ({ userId, version: 1, items: [{ titleId: 'dark' }] })),
    );
    expect((await german.waitForNotifications(1)).notes[0]).toMatchObject({ title: 'Neu für dich' });
    expect((await finnish.waitForNotifications(1)).notes[0]).toMatchObject({ title: 'New for you' });
    expect((await unasked.lockScreen()).arrived).toEqual([]);
  });

  test('waits until the quiet hours of the device end; a critical one does not', async () => {
    const phone = await registerPhone(usher, 'dora', 'dora-phone', { timezone: 'UTC' });
    await setPreferences('dora', { quietHours: quietNow() });
    await usher.backOffice.publish([note('dora')]);
    await waitForPushState(usher, 'dora-phone', 'queued', 'quiet_hours');
    const [held] = await usher.database.query<{ minutes: number }>(
      `SELECT extract(epoch FROM due_at - now())::int / 60 AS minutes FROM push WHERE device_id = 'dora-phone'`,
    );
    expect(held?.minutes).toBeGreaterThanOrEqual(58);
    expect(held?.minutes).toBeLessThanOrEqual(60);
    await usher.backOffice.publish([note('dora', { tier: 'critical', data: { title: 'Urgent' } })]);
    expect((await phone.waitForNotifications(1)).notes[0]?.title).toBe('Urgent');
  });

  test('about which nothing can be decided fails alone, with a reason; the others of its batch are sent', async () => {
    const bad = ['dia-1', 'dia-2'];
    for (const userId of bad) {
      await registerPhone(usher, userId, `${userId}-phone`);
      await setPreferences(userId, { quietHours: quietNow() });
    }
    const phone = await registerPhone(usher, 'dia-3', 'dia-3-phone');
    // As rows of another version of Usher, or of an operator, could be.
    await usher.database.query(
      `UPDATE preference SET body = '{"categories":{},"quietHours":{"start":"bedtime","end":"dawn"}}' WHERE user_id = ANY ($1)`,
      [bad],
    );
    await usher.backOffice.publish([...bad, 'dia-3'].map((userId) => note(userId)));
    for (const userId of bad) await waitForPushState(usher, `${userId}-phone`, 'failed', 'internal');
    await phone.waitForNotifications(1);
  });

  test('that expires before the quiet hours end is not pushed, and that is counted', async () => {
    await registerPhone(usher, 'eli', 'eli-phone');
    await setPreferences('eli', { categories: { note: { quietHours: quietNow() } } });
    await usher.backOffice.publish([
      note('eli', { expiresAt: new Date(Date.now() + 600_000).toISOString() }),
    ]);
    await waitForPushState(usher, 'eli-phone', 'expired', 'quiet_hours');
    const metrics = await (await fetch(`${usher.url}/metrics`)).text();
    expect(metrics).toMatch(
      /usher_push_total\{vendor="fcm",tier="important",state="expired",reason="quiet_hours"\} 1/,
    );
  });

  test('that was seen on one device is not pushed to the others when one device is enough', async () => {
    await setPreferences('fay', { oneDeviceIsEnough: true });
    const phone = await registerPhone(usher, 'fay', 'fay-phone');
    const tv = await usher.device('fay', 'fay-tv', { platform: 'tv' });
    await usher.backOffice.publish([note('fay')]);
    const { id } = await tv.waitFor('note.written');
    expect(await tv.request('receipt', { ids: [id], state: 'seen' })).toMatchObject({ ok: true });
    await waitForPushState(usher, 'fay-phone', 'withdrawn', 'seen_elsewhere');
    expect((await phone.lockScreen()).arrived).toEqual([]);
  });

  test('does not interrupt a playing device; a critical one does', async () => {
    const phone = await registerPhone(usher, 'gus', 'gus-tablet');
    const tablet = await usher.device('gus', 'gus-tablet', { acks: false });
    for (const minute of [0, 1, 2])
      await tablet.heartbeat({
        positionSeconds: 600 + 60 * minute,
        at: new Date(Date.now() - (2 - minute) * 60_000).toISOString(),
      });
    tablet.close();
    await usher.backOffice.publish([note('gus')]);
    await waitForPushState(usher, 'gus-tablet', 'queued', 'playing');
    await usher.backOffice.publish([note('gus', { tier: 'critical', data: { title: 'Urgent' } })]);
    expect((await phone.waitForNotifications(1)).notes[0]?.title).toBe('Urgent');
  });
});

describe('a shown notification', () => {
  test('is removed when it was seen on another device, and the badge is updated', async () => {
    const phone = await registerPhone(usher, 'hal', 'hal-phone');
    const tablet = await registerPhone(usher, 'hal', 'hal-tablet');
    const { body } = await usher.backOffice.publish([
      note('hal', { tier: 'critical' }),
      note('hal', { tier: 'critical' }),
    ]);
    const [first] = body.accepted as { id: string }[];
    expect((await phone.waitForNotifications(2)).badge).toBe(2);
    await tablet.waitForNotifications(2);
    const seen = { deviceId: 'hal-tablet', ids: [first?.id], state: 'seen' };
    expect((await callAs('hal', 'POST', '/v1/me/receipts', seen)).status).toBe(204);
    expect((await phone.waitForNotifications(1)).badge).toBe(1);
    expect((await tablet.lockScreen()).arrived).toHaveLength(2);
  });

  test('can be reported as seen after a tap, only by its own user and device', async () => {
    await registerPhone(usher, 'ida', 'ida-phone');
    const { body } = await usher.backOffice.publish([note('ida', { tier: 'critical', key: 'k' })]);
    const [tapped] = body.accepted as { id: string }[];
    await waitForPushState(usher, 'ida-phone', 'delivered');
    // A newer event supersedes it in the mailbox; the tap still counts.
    await usher.backOffice.publish([note('ida', { tier: 'critical', key: 'k' })]);
    const report = (of: Record<string, unknown>) => ({
      deviceId: 'ida-phone',
      ids: [tapped?.id],
      state: 'seen',
      ...of,
    });
    expectProblem(await callAs('mallory', 'POST', '/v1/me/receipts', report({})), 422, 'unknown_device');
    expectProblem(
      await callAs('ida', 'POST', '/v1/me/receipts', report({ deviceId: 'no-such' })),
      422,
      'unknown_device',
    );
    const unknown = report({ ids: ['00000000-0000-4000-8000-000000000000'] });
    expectProblem(await callAs('ida', 'POST', '/v1/me/receipts', unknown), 422, 'unknown_event');
    expect((await callAs('ida', 'POST', '/v1/me/receipts', report({}))).status).toBe(204);
    const states = await eventually('it is stored', () =>
      usher.database.query(`SELECT state FROM receipt WHERE user_id = 'ida' AND event_id = $1`, [tapped?.id]),
    );
    expect(states).toEqual([{ state: 4 }]);
  });
});
