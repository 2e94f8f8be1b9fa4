import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { call } from '../../support/drivers/back-office.js';
import { pushStates, waitForPushState } from '../../support/drivers/phone.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { type FakeApns, startFakeApns } from '../../support/fakes/fake-apns.js';
import { type FakeFcm, fcmError, startFakeFcm } from '../../support/fakes/fake-fcm.js';
import { type FakeWebPush, startFakeWebPush } from '../../support/fakes/fake-web-push.js';

/** FCM's rate limit: ten a second. A fifth of the bucket is reserved for critical pushes. */
const FCM_PER_SECOND = 10;
let apns: FakeApns;
let fcm: FakeFcm;
let webPush: FakeWebPush;
let usher: TestUsher;
beforeAll(async () => {
  [apns, fcm, webPush] = await Promise.all([startFakeApns(), startFakeFcm(), startFakeWebPush()]);
  usher = await startUsher(environment());
});
afterAll(async () => {
  await usher.stop();
  await Promise.all([apns.close(), fcm.close(), webPush.close()]);
});
afterEach(() => [apns, fcm, webPush].forEach(({ responses }) => responses.clear()));

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
const pushesTo = (address: string) => fcm.accepted.filter((push) => push.address === address);

describe('a disconnected device', () => {
  test('of every platform receives from its provider the text, ids, collapse key and urgency', async () => {
    const token = randomBytes(32).toString('hex');
    const browser = webPush.subscribe();
    await register('ann', 'ann-iphone', { kind: 'apns', address: token });
    await register('ann', 'ann-browser', browser);
    const address = await fcmPhone('ann');
    const { body } = await usher.backOffice.publish([note('ann')]);
    const [{ id, offset }] = body.accepted as [{ id: string; offset: number }];
    const data = expect.objectContaining({ id, type: 'note.written', userId: 'ann', offset: String(offset) });
    const [iphone] = await eventually(
      'APNs received the push',
      () => apns.accepted.length > 0 && apns.accepted,
    );
    expect(iphone).toMatchObject({ token, payload: { aps: { alert: { title: 'Hello' }, badge: 1 } } });
    expect(iphone?.headers).toMatchObject({ 'apns-push-type': 'alert' });
    const [pixel] = await eventually(
      'FCM received the push',
      () => pushesTo(address).length > 0 && pushesTo(address),
    );
    expect(pixel?.message).toMatchObject({
      data,
      notification: { title: 'Hello' },
      android: { priority: 'high' },
    });
    const [tab] = await eventually(
      'the browser received the push',
      () => webPush.accepted.length > 0 && webPush.accepted,
    );
    expect(JSON.parse(String(tab?.payload))).toMatchObject({ title: 'Hello', data });
    expect(tab?.headers).toMatchObject({ urgency: 'high' });
  });

  test('receives its push exactly once when its provider is available again', async () => {
    const address = await fcmPhone('ben');
    fcm.responses.forAddress(address, fcmError(503, 'UNAVAILABLE'));
    await usher.backOffice.publish([note('ben')]);
    await waitForPushState(usher, 'ben-phone', 'queued', 'UNAVAILABLE');
    fcm.responses.clear();
    await waitForPushState(usher, 'ben-phone', 'delivered');
    expect(pushesTo(address)).toHaveLength(1);
  });

  test('receives its push no sooner than the Retry-After of its provider', async () => {
    const address = await fcmPhone('cem');
    fcm.responses.forAddress(address, fcmError(429, 'QUOTA_EXCEEDED', { 'retry-after': '2' }));
    await usher.backOffice.publish([note('cem')]);
    await waitForPushState(usher, 'cem-phone', 'queued', 'QUOTA_EXCEEDED');
    const first = Date.now();
    fcm.responses.clear();
    await waitForPushState(usher, 'cem-phone', 'delivered');
    expect(Date.now() - first).toBeGreaterThanOrEqual(1_700); // two seconds, less the time until the test saw the first attempt
  });

  test('whose provider does not respond delays no other device', async () => {
    const [silent, other] = [await fcmPhone('gil'), await fcmPhone('hana')];
    fcm.responses.forAddress(silent, 'no-response');
    const requestCount = fcm.requestCount;
    await usher.backOffice.publish([note('gil')]);
    await eventually('FCM is called', () => fcm.requestCount > requestCount);
    const sent = Date.now();
    await usher.backOffice.publish([note('hana')]);
    await waitForPushState(usher, 'hana-phone', 'delivered');
    expect(pushesTo(other)).toHaveLength(1);
    expect(Date.now() - sent).toBeLessThan(1_000);
    fcm.responses.clear();
    fcm.connections.closeAll();
    await waitForPushState(usher, 'gil-phone', 'delivered');
  });

  test('has its delivery stored even when the response arrives while another one is being stored', async () => {
    const [first, last] = [randomUUID(), randomUUID()];
    await register('ida', 'ida-first', { kind: 'fcm_token', address: first });
    await register('ida', 'ida-last', { kind: 'fcm_token', address: last });
    fcm.responses.forAddress(first, { status: 200, body: { name: 'first' }, afterMs: 150 });
    fcm.responses.forAddress(last, { status: 200, body: { name: 'last' }, afterMs: 400 });
    const requestCount = fcm.requestCount;
    await usher.backOffice.publish([note('ida')]);
    await eventually('both pushes are in flight', () => fcm.requestCount === requestCount + 2);
    // Its row stays locked until the last response has arrived.
    await usher.database.query(`WITH held AS MATERIALIZED (
      SELECT 1 FROM push WHERE device_id = 'ida-first' FOR UPDATE) SELECT pg_sleep(0.7) FROM held`);
    await waitForPushState(usher, 'ida-first', 'delivered');
    await waitForPushState(usher, 'ida-last', 'delivered');
  });

  test('whose app was uninstalled loses its push address; one that registered again since keeps it', async () => {
    const [dead, alive] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')];
    const gone = (timestamp: number) => ({ status: 410, body: { reason: 'Unregistered', timestamp } });
    apns.responses.forAddress(dead, gone(Date.now() + 60_000));
    apns.responses.forAddress(alive, gone(Date.now() - 60_000));
    await register('dora', 'dora-dead', { kind: 'apns', address: dead });
    await register('dora', 'dora-alive', { kind: 'apns', address: alive });
    await usher.backOffice.publish([note('dora')]);
    await waitForPushState(usher, 'dora-dead', 'gone', 'Unregistered');
    apns.responses.clear();
    await waitForPushState(usher, 'dora-alive', 'delivered');
    const left = await usher.database.query(
      `SELECT 1 FROM device WHERE user_id = 'dora' AND push IS NOT NULL`,
    );
    expect(left).toHaveLength(1);
  });

  test('receives the push of a worker that died from another worker', async () => {
    const front = await startUsher({ ...environment(), ROLES: 'gateway,api' });
    const worker = await front.another({ ROLES: 'worker' });
    const address = await fcmPhone('eli', front);
    fcm.responses.forAddress(address, 'no-response');
    await front.backOffice.publish([note('eli')]);
    await eventually(
      'the push is in flight',
      async () => (await pushStates(front, 'eli-phone'))[0]?.state === 'sent',
    );
    await worker.kill('SIGKILL');
    fcm.responses.clear();
    await front.another({ ROLES: 'worker' });
    await front.database.query(`UPDATE push SET due_at = now() WHERE device_id = 'eli-phone'`); // as if the claim had expired
    await waitForPushState(front, 'eli-phone', 'delivered');
    expect(pushesTo(address)).toHaveLength(1);
    await front.stop();
  }, 60_000);
});

test('a campaign stays within the provider’s rate limit, and a critical push does not wait for it', async () => {
  const count = 30;
  const addresses = await Promise.all(Array.from({ length: count }, (_, n) => fcmPhone(`campaign-${n}`)));
  const urgentAddress = await fcmPhone('fay');
  const before = fcm.accepted.length;
  const began = Date.now();
  await usher.backOffice.publish(addresses.map((_, n) => note(`campaign-${n}`, { tier: 'important' })));
  await eventually('the campaign has started', () => fcm.accepted.length > before);
  const sent = Date.now();
  await usher.backOffice.publish([note('fay')]);
  await eventually('the critical push was sent', () => pushesTo(urgentAddress).length > 0);
  expect(Date.now() - sent).toBeLessThan(1_000);
  expect(fcm.accepted.length - before).toBeLessThan(count);
  await eventually('the campaign was sent', () => fcm.accepted.length - before === count + 1);
  expect(Date.now() - began).toBeGreaterThanOrEqual(((count + 1 - FCM_PER_SECOND) / FCM_PER_SECOND) * 1_000);
}, 20_000);
