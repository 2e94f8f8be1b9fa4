import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { call } from '../../support/drivers/back-office.js';
import { eventually } from '../../support/eventually.js';
import { fate, fates } from '../../support/drivers/phone.js';
import { type PretendApns, pretendApns } from '../../support/fakes/fake-apns.js';
import { fcmError, type PretendFcm, pretendFcm } from '../../support/fakes/fake-fcm.js';
import { type PretendWebPush, pretendWebPush } from '../../support/fakes/fake-web-push.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';

/** FCM's budget: ten a second, of which a fifth of a full bucket is for critical ones. */
const FCM_PER_SECOND = 10;
let apns: PretendApns;
let fcm: PretendFcm;
let webPush: PretendWebPush;
let usher: TestUsher;
beforeAll(async () => {
  [apns, fcm, webPush] = await Promise.all([pretendApns(), pretendFcm(), pretendWebPush()]);
  usher = await startUsher(environment());
});
afterAll(async () => {
  await usher.stop();
  await Promise.all([apns.close(), fcm.close(), webPush.close()]);
});
afterEach(() => [apns, fcm, webPush].forEach(({ script }) => script.clear()));

const environment = (): Record<string, string> => ({
  ...apns.environment,
  ...fcm.environment,
  ...webPush.environment,
  ACK_TIMEOUT_SECONDS: '1',
  FCM_PER_MINUTE: String(60 * FCM_PER_SECOND),
});
const note = (userId: string, more: Record<string, unknown> = {}) => ({
  userId,
  type: 'note.written',
  tier: 'critical',
  key: 'note',
  data: { title: 'Hello', text: 'Secret things are for the app to fetch.' },
  ...more,
});
async function register(userId: string, deviceId: string, push: unknown, at = usher): Promise<void> {
  const token = await at.token(userId);
  const body = { platform: 'ios', push };
  expect((await call(at.url, token, 'PUT', `/v1/me/devices/${deviceId}`, body)).status).toBe(200);
}
const fcmPhone = async (userId: string, at = usher): Promise<string> => {
  const address = randomUUID();
  await register(userId, `${userId}-phone`, { kind: 'fcm_token', address }, at);
  return address;
};
const gotBy = (address: string) => fcm.got.filter((push) => push.address === address);

describe('a sleeping device', () => {
  test('of every kind is told by its vendor: words, ids, what it replaces, how urgent it is', async () => {
    const token = randomBytes(32).toString('hex');
    const browser = webPush.subscribe();
    await register('ann', 'ann-iphone', { kind: 'apns', address: token });
    await register('ann', 'ann-browser', browser);
    const address = await fcmPhone('ann');
    const { body } = await usher.backOffice.publish([note('ann')]);
    const [{ id, offset }] = body.accepted as [{ id: string; offset: number }];
    const data = expect.objectContaining({ id, type: 'note.written', userId: 'ann', offset: String(offset) });
    const [iphone] = await eventually('APNs has it', () => apns.got.length > 0 && apns.got);
    expect(iphone).toMatchObject({ token, payload: { aps: { alert: { title: 'Hello' }, badge: 1 } } });
    expect(iphone?.headers).toMatchObject({ 'apns-push-type': 'alert' });
    const [pixel] = await eventually('FCM has it', () => gotBy(address).length > 0 && gotBy(address));
    expect(pixel?.message).toMatchObject({
      data,
      notification: { title: 'Hello' },
      android: { priority: 'high' },
    });
    const [tab] = await eventually('the browser has it', () => webPush.got.length > 0 && webPush.got);
    expect(JSON.parse(String(tab?.payload))).toMatchObject({ title: 'Hello', data });
    expect(tab?.headers).toMatchObject({ urgency: 'high' });
  });

  test('whose vendor is away for a while is told once it is back, and once only', async () => {
    const address = await fcmPhone('ben');
    fcm.script.to(address, fcmError(503, 'UNAVAILABLE'));
    await usher.backOffice.publish([note('ben')]);
    await fate(usher, 'ben-phone', 'queued', 'UNAVAILABLE');
    fcm.script.clear();
    await fate(usher, 'ben-phone', 'delivered');
    expect(gotBy(address)).toHaveLength(1);
  });

  test('whose vendor says when to come back is left alone until then', async () => {
    const address = await fcmPhone('cem');
    fcm.script.to(address, fcmError(429, 'QUOTA_EXCEEDED', { 'retry-after': '2' }));
    await usher.backOffice.publish([note('cem')]);
    await fate(usher, 'cem-phone', 'queued', 'QUOTA_EXCEEDED');
    const first = Date.now();
    fcm.script.clear();
    await fate(usher, 'cem-phone', 'delivered');
    expect(Date.now() - first).toBeGreaterThanOrEqual(1_700); // two seconds, less what it took us to look
  });

  test('whose vendor does not answer holds up no other', async () => {
    const [silent, other] = [await fcmPhone('gil'), await fcmPhone('hana')];
    fcm.script.to(silent, 'silent');
    const asked = fcm.asked;
    await usher.backOffice.publish([note('gil')]);
    await eventually('it is asked', () => fcm.asked > asked);
    const sent = Date.now();
    await usher.backOffice.publish([note('hana')]);
    await fate(usher, 'hana-phone', 'delivered');
    expect(gotBy(other)).toHaveLength(1);
    expect(Date.now() - sent).toBeLessThan(1_000);
    fcm.script.clear();
    fcm.cut();
    await fate(usher, 'gil-phone', 'delivered');
  });

  test('that is answered while another one is written down is written down too', async () => {
    const [first, last] = [randomUUID(), randomUUID()];
    await register('ida', 'ida-first', { kind: 'fcm_token', address: first });
    await register('ida', 'ida-last', { kind: 'fcm_token', address: last });
    fcm.script.to(first, { status: 200, body: { name: 'first' }, afterMs: 150 });
    fcm.script.to(last, { status: 200, body: { name: 'last' }, afterMs: 400 });
    const asked = fcm.asked;
    await usher.backOffice.publish([note('ida')]);
    await eventually('both are on their way', () => fcm.asked === asked + 2);
    // Its row cannot be written before the last answer has come.
    await usher.database.query(`WITH held AS MATERIALIZED (
      SELECT 1 FROM push WHERE device_id = 'ida-first' FOR UPDATE) SELECT pg_sleep(0.7) FROM held`);
    await fate(usher, 'ida-first', 'delivered');
    await fate(usher, 'ida-last', 'delivered');
  });

  test('whose app was removed is forgotten; one that registered since is not', async () => {
    const [dead, alive] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')];
    const gone = (timestamp: number) => ({ status: 410, body: { reason: 'Unregistered', timestamp } });
    apns.script.to(dead, gone(Date.now() + 60_000));
    apns.script.to(alive, gone(Date.now() - 60_000));
    await register('dora', 'dora-dead', { kind: 'apns', address: dead });
    await register('dora', 'dora-alive', { kind: 'apns', address: alive });
    await usher.backOffice.publish([note('dora')]);
    await fate(usher, 'dora-dead', 'gone', 'Unregistered');
    apns.script.clear();
    await fate(usher, 'dora-alive', 'delivered');
    const left = await usher.database.query(
      `SELECT 1 FROM device WHERE user_id = 'dora' AND push IS NOT NULL`,
    );
    expect(left).toHaveLength(1);
  });

  test('whose push a worker left unsettled when it died is told by another worker', async () => {
    const front = await startUsher({ ...environment(), ROLES: 'gateway,api' });
    const worker = await front.another({ ROLES: 'worker' });
    const address = await fcmPhone('eli', front);
    fcm.script.to(address, 'silent');
    await front.backOffice.publish([note('eli')]);
    await eventually('it is on its way', async () => (await fates(front, 'eli-phone'))[0]?.state === 'sent');
    await worker.kill('SIGKILL');
    fcm.script.clear();
    await front.another({ ROLES: 'worker' });
    await front.database.query(`UPDATE push SET due_at = now() WHERE device_id = 'eli-phone'`); // its lease has passed
    await fate(front, 'eli-phone', 'delivered');
    expect(gotBy(address)).toHaveLength(1);
    await front.stop();
  });
});

test('a campaign keeps to the vendor’s pace, and a critical push does not wait for it', async () => {
  const count = 30;
  const crowd = await Promise.all(Array.from({ length: count }, (_, n) => fcmPhone(`crowd-${n}`)));
  const urgent = await fcmPhone('fay');
  const before = fcm.got.length;
  const began = Date.now();
  await usher.backOffice.publish(crowd.map((_, n) => note(`crowd-${n}`, { tier: 'important' })));
  await eventually('the campaign is under way', () => fcm.got.length > before);
  const sent = Date.now();
  await usher.backOffice.publish([note('fay')]);
  await eventually('the critical one is there', () => gotBy(urgent).length > 0);
  expect(Date.now() - sent).toBeLessThan(1_000);
  expect(fcm.got.length - before).toBeLessThan(count);
  await eventually('the campaign is through', () => fcm.got.length - before === count + 1);
  expect(Date.now() - began).toBeGreaterThanOrEqual(((count + 1 - FCM_PER_SECOND) / FCM_PER_SECOND) * 1_000);
}, 20_000);
