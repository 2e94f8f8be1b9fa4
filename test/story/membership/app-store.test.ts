import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call, PREMIUM } from '../../support/drivers/back-office.js';
import { nowSeconds, subscriptionIds } from '../../support/drivers/stripe-webhooks.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectProblem } from '../../support/expectations.js';
import {
  createAppleCertificateChain,
  createFakeAppStore,
  type FakeAppStore,
} from '../../support/fakes/fake-app-store.js';

let apple: FakeAppStore;
let usher: TestUsher;
beforeAll(async () => {
  apple = createFakeAppStore();
  usher = await startUsher(apple.environment);
  await usher.backOffice.putPlan('basic', ['com.example.tests.basic'], {
    ...PREMIUM,
    maxStreams: 1,
  });
  await usher.backOffice.putPlan('premium', ['price_premium']);
});
afterAll(async () => {
  await usher.stop();
  apple.close();
});

const entitlement = (userId: string) => usher.backOffice.entitlement(userId);
const link = (userId: string, processor: string, customerId: string) =>
  usher.backOffice.call('PUT', `/v1/users/${userId}/links/${processor}`, { customerId });
const webhookCount = async () =>
  (await usher.database.query<{ n: number }>('SELECT count(*)::int AS n FROM webhook'))[0]?.n;

describe('the App Store', () => {
  const transactionOf = (userId: string) => ({
    originalTransactionId: `20-${userId}`,
    appAccountToken: `app-${userId}`,
  });

  test('a subscription, its cancellation, the grace period and the end each reach the device once', async () => {
    await link('ann', 'apple', 'app-ann');
    const tv = await usher.device('ann', 'ann-tv');
    const now = Date.now();
    const notify = (after: number, more: Parameters<FakeAppStore['send']>[1]) =>
      apple.send(usher.url, { transaction: transactionOf('ann'), signedAt: now + after, ...more });
    expect((await notify(0, {})).status).toBe(200);
    await notify(1_000, {
      type: 'DID_CHANGE_RENEWAL_STATUS',
      subtype: 'AUTO_RENEW_DISABLED',
      renewal: { autoRenewStatus: 0 },
    });
    await notify(2_000, { type: 'DID_FAIL_TO_RENEW', subtype: 'GRACE_PERIOD', status: 4 });
    await notify(1_500, { type: 'DID_RENEW' });
    await notify(3_000, { type: 'EXPIRED', status: 2 });
    await tv.waitFor('membership.changed', ({ data }) => data.version === 4);
    const received = tv
      .envelopes('membership.changed')
      .map(({ data }) => [data.status, data.planId, data.reason]);
    expect(received).toEqual([
      ['active', 'basic', 'SUBSCRIBED'],
      ['active', 'basic', 'DID_CHANGE_RENEWAL_STATUS.AUTO_RENEW_DISABLED'],
      ['past_due', 'basic', 'DID_FAIL_TO_RENEW.GRACE_PERIOD'],
      ['canceled', 'basic', 'EXPIRED'],
    ]);
    expect(tv.envelopes('membership.changed')[1]?.data).toHaveProperty('cancelAt');
    await notify(4_000, { type: 'SUBSCRIBED', subtype: 'RESUBSCRIBE' });
    expect(await entitlement('ann')).toMatchObject({ version: 5, status: 'active' });
  });

  test('a refund ends the membership', async () => {
    await link('ref', 'apple', 'app-ref');
    await apple.send(usher.url, { transaction: transactionOf('ref') });
    expect(await entitlement('ref')).toMatchObject({ status: 'active' });
    const transaction = { ...transactionOf('ref'), revocationDate: Date.now() };
    await apple.send(usher.url, { type: 'REFUND', transaction, signedAt: Date.now() + 1_000 });
    expect(await entitlement('ref')).toMatchObject({ status: 'canceled' });
  });

  test('what is said of an earlier period, as its refund, changes nothing of the present one', async () => {
    await link('per', 'apple', 'app-per');
    const now = Date.now();
    const transaction = transactionOf('per');
    const isOff = { renewal: { autoRenewStatus: 0 } };
    await apple.send(usher.url, {
      transaction: { ...transaction, productId: 'price_premium' },
      signedAt: now,
    });
    await apple.send(usher.url, {
      ...{ type: 'DID_CHANGE_RENEWAL_STATUS', subtype: 'AUTO_RENEW_DISABLED', ...isOff },
      ...{ transaction: { ...transaction, productId: 'price_premium' }, signedAt: now + 1_000 },
    });
    const before = await entitlement('per');
    expect(before).toMatchObject({ version: 2, status: 'active', planId: 'premium' });
    const earlier = { ...transaction, expiresDate: now - 86_400_000 };
    await apple.send(usher.url, {
      ...{ type: 'CONSUMPTION_REQUEST', transaction: earlier, signedAt: now + 2_000, ...isOff },
    });
    const refunded = { ...earlier, revocationDate: now };
    await apple.send(usher.url, { type: 'REFUND', transaction: refunded, signedAt: now + 3_000, ...isOff });
    expect(await entitlement('per')).toMatchObject({ version: 2, status: 'active', planId: 'premium' });
  });

  test('a repeated notification has no second effect, and one without a subscription is stored and ignored', async () => {
    const uuid = 'a0a0a0a0-0000-4000-8000-000000000001';
    await apple.send(usher.url, { uuid, type: 'TEST', transaction: { originalTransactionId: '' } });
    const again = await apple.send(usher.url, { uuid, type: 'TEST' });
    expect(again.body).toEqual({ received: true, duplicate: true });
    const [row] = await usher.database.query('SELECT status FROM webhook WHERE event_id = $1', [uuid]);
    expect(row).toEqual({ status: 'ignored' });
  });

  const forged: [string, () => string, string][] = [
    [
      'signed by another authority',
      () => apple.notification({ chain: createAppleCertificateChain() }),
      'signature_invalid',
    ],
    [
      'signed with certificates that are not Apple’s',
      () => apple.notification({ chain: createAppleCertificateChain({ marked: false }) }),
      'signature_invalid',
    ],
    ['of another app', () => apple.notification({ bundleId: 'com.example.other' }), 'signature_invalid'],
    ['with another body', () => altered(apple.notification()), 'signature_invalid'],
    [
      'with alg none',
      () => JSON.stringify({ signedPayload: apple.chain.sign({}, { alg: 'none' }) }),
      'signature_invalid',
    ],
    [
      'with the HMAC algorithm HS256',
      () => JSON.stringify({ signedPayload: apple.chain.sign({}, { alg: 'HS256' }) }),
      'signature_invalid',
    ],
    [
      'without certificates',
      () => JSON.stringify({ signedPayload: apple.chain.sign({}, { x5c: [] }) }),
      'signature_invalid',
    ],
    ['cut short', () => apple.notification().replace(/.{9}"\}$/, '"}'), 'signature_invalid'],
    ['without a signed payload', () => '{}', 'invalid_request'],
    ['that is not JSON', () => 'signedPayload', 'malformed_json'],
  ];
  test.each(forged)('a notification %s is rejected and not stored', async (_, body, code) => {
    const before = await webhookCount();
    expectProblem(await call(usher.url, undefined, 'POST', '/v1/webhooks/apple', body()), 400, code);
    expect(await webhookCount()).toBe(before);
  });
});

describe('an appAccountToken in upper case, as Swift writes it', () => {
  const SWIFT = '6F9619FF-8B86-D011-B42D-00C04FC964FF';

  test('links the user of notifications, in which Apple writes it in lower case, and finds them', async () => {
    const transaction = { originalTransactionId: '20-uma', appAccountToken: SWIFT.toLowerCase() };
    await apple.send(usher.url, { transaction });
    expect((await link('uma', 'apple', SWIFT)).body).toMatchObject({ customerId: SWIFT.toLowerCase() });
    expect(await entitlement('uma')).toMatchObject({ status: 'active', planId: 'basic' });
    const found = await usher.backOffice.call('GET', `/v1/users?customer=apple:${SWIFT}`);
    expect(found.body).toEqual({ users: [{ userId: 'uma', isLinked: true }] });
  });
});

describe('a user with subscriptions at several processors', () => {
  test('may stream while any of them allows it; the one that allows the most is shown', async () => {
    const now = nowSeconds();
    await link('two', 'apple', 'app-two');
    const stripe = (status: string, created: number) =>
      usher.stripe.sendEvent('customer.subscription.updated', {
        ...subscriptionIds('two'),
        price: 'price_premium',
        status,
        created,
      });
    await stripe('past_due', now);
    expect(await entitlement('two')).toMatchObject({ status: 'past_due', planId: 'premium' });
    const transaction = { originalTransactionId: '20-two', appAccountToken: 'app-two' };
    await apple.send(usher.url, { transaction });
    expect(await entitlement('two')).toMatchObject({ status: 'active', planId: 'basic' });
    await apple.send(usher.url, { transaction, status: 2, type: 'EXPIRED', signedAt: Date.now() + 1_000 });
    expect(await entitlement('two')).toMatchObject({ status: 'past_due', planId: 'premium' });
    await stripe('canceled', now + 2);
    expect(await entitlement('two')).toMatchObject({
      status: 'canceled',
      capabilities: { streaming: false },
    });
  });
});

test('a node without the settings of the app stores returns not_configured', async () => {
  const node = await usher.another({ APPLE_BUNDLE_ID: '', ROLES: 'api' });
  expectProblem(await apple.send(node.url), 501, 'not_configured');
  expectProblem(await call(node.url, undefined, 'POST', '/v1/webhooks/google', '{}'), 501, 'not_configured');
});

/** Returns the notification with another payload under the same signature. */
function altered(body: string): string {
  const { signedPayload } = JSON.parse(body) as { signedPayload: string };
  const [header, payload = '', signature] = signedPayload.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
  const other = Buffer.from(JSON.stringify({ ...claims, notificationType: 'REFUND' })).toString('base64url');
  return JSON.stringify({ signedPayload: [header, other, signature].join('.') });
}
