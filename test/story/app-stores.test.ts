import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call, PREMIUM } from '../support/back-office.js';
import { eventually } from '../support/eventually.js';
import { appleChain, type PretendApple, pretendApple } from '../support/pretend-apple.js';
import { type PretendGoogle, pretendGoogle, purchaseOf } from '../support/pretend-google.js';
import { nowSeconds } from '../support/processor.js';
import { expectNone, expectProblem } from '../support/refusals.js';
import { startUsher, type TestUsher } from '../support/usher.js';

let apple: PretendApple;
let google: PretendGoogle;
let usher: TestUsher;
beforeAll(async () => {
  apple = pretendApple();
  google = await pretendGoogle();
  usher = await startUsher({ ...apple.settings, ...google.settings, RECONCILE_SECONDS: '1' });
  await usher.backOffice.putPlan('basic', ['price_basic', 'com.example.tests.basic', 'basic:monthly'], {
    ...PREMIUM,
    maxStreams: 1,
  });
  await usher.backOffice.putPlan('premium', ['price_premium', 'premium']);
});
afterAll(async () => {
  await usher.stop();
  await google.close();
  apple.close();
});

const entitlement = (userId: string) => usher.backOffice.entitlement(userId);
const link = (userId: string, processor: string, customerId: string) =>
  usher.backOffice.call('PUT', `/v1/users/${userId}/links/${processor}`, { customerId });
const kept = async () =>
  (await usher.database.query<{ n: number }>('SELECT count(*)::int AS n FROM webhook'))[0]?.n;

describe('the App Store', () => {
  const of = (userId: string) => ({
    originalTransactionId: `20-${userId}`,
    appAccountToken: `app-${userId}`,
  });

  test('a subscription, its end that was set, the grace period and the end, each told once', async () => {
    await link('ann', 'apple', 'app-ann');
    const tv = await usher.device('ann', 'ann-tv');
    const now = Date.now();
    const say = (after: number, more: Parameters<PretendApple['send']>[1]) =>
      apple.send(usher.url, { transaction: of('ann'), signedAt: now + after, ...more });
    expect((await say(0, {})).status).toBe(200);
    await say(1_000, {
      type: 'DID_CHANGE_RENEWAL_STATUS',
      subtype: 'AUTO_RENEW_DISABLED',
      renewal: { autoRenewStatus: 0 },
    });
    await say(2_000, { type: 'DID_FAIL_TO_RENEW', subtype: 'GRACE_PERIOD', status: 4 });
    await say(1_500, { type: 'DID_RENEW' });
    await say(3_000, { type: 'EXPIRED', status: 2 });
    await tv.hears('membership.changed', ({ data }) => data.version === 4);
    const told = tv
      .envelopes('membership.changed')
      .map(({ data }) => [data.status, data.planId, data.reason]);
    expect(told).toEqual([
      ['active', 'basic', 'SUBSCRIBED'],
      ['active', 'basic', 'DID_CHANGE_RENEWAL_STATUS.AUTO_RENEW_DISABLED'],
      ['past_due', 'basic', 'DID_FAIL_TO_RENEW.GRACE_PERIOD'],
      ['canceled', 'basic', 'EXPIRED'],
    ]);
    expect(tv.envelopes('membership.changed')[1]?.data).toHaveProperty('cancelAt');
    await say(4_000, { type: 'SUBSCRIBED', subtype: 'RESUBSCRIBE' });
    expect(await entitlement('ann')).toMatchObject({ version: 5, status: 'active' });
  });

  test('a refund takes back what was given', async () => {
    await link('ref', 'apple', 'app-ref');
    await apple.send(usher.url, { transaction: of('ref') });
    expect(await entitlement('ref')).toMatchObject({ status: 'active' });
    const transaction = { ...of('ref'), revocationDate: Date.now() };
    await apple.send(usher.url, { type: 'REFUND', transaction, signedAt: Date.now() + 1_000 });
    expect(await entitlement('ref')).toMatchObject({ status: 'canceled' });
  });

  test('a notification that is repeated has no second effect, and one without a subscription is kept and ignored', async () => {
    const uuid = 'a0a0a0a0-0000-4000-8000-000000000001';
    await apple.send(usher.url, { uuid, type: 'TEST', transaction: { originalTransactionId: '' } });
    const again = await apple.send(usher.url, { uuid, type: 'TEST' });
    expect(again.body).toEqual({ received: true, duplicate: true });
    const [row] = await usher.database.query('SELECT status FROM webhook WHERE event_id = $1', [uuid]);
    expect(row).toEqual({ status: 'ignored' });
  });

  const forged: [string, () => string, string][] = [
    ['signed by another authority', () => apple.notification({ chain: appleChain() }), 'signature_invalid'],
    [
      'by certificates that are not Apple’s',
      () => apple.notification({ chain: appleChain({ marked: false }) }),
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
      'with a secret for an algorithm',
      () => JSON.stringify({ signedPayload: apple.chain.sign({}, { alg: 'HS256' }) }),
      'signature_invalid',
    ],
    [
      'without its certificates',
      () => JSON.stringify({ signedPayload: apple.chain.sign({}, { x5c: [] }) }),
      'signature_invalid',
    ],
    ['cut short', () => apple.notification().replace(/.{9}"\}$/, '"}'), 'signature_invalid'],
    ['with nothing signed', () => '{}', 'invalid_request'],
    ['that is no JSON', () => 'signedPayload', 'malformed_json'],
  ];
  test.each(forged)('one %s is refused, and nothing of it is kept', async (_, body, code) => {
    const before = await kept();
    expectProblem(await call(usher.url, undefined, 'POST', '/v1/webhooks/apple', body()), 400, code);
    expect(await kept()).toBe(before);
  });
});

describe('Google Play', () => {
  const buy = async (userId: string, state = 'ACTIVE', more: Record<string, unknown> = {}) => {
    await link(userId, 'google', `play-${userId}`);
    google.purchases.set(
      `token-${userId}`,
      purchaseOf(state, {
        externalAccountIdentifiers: { obfuscatedExternalAccountId: `play-${userId}` },
        ...more,
      }),
    );
    return google.send(usher.url, `token-${userId}`);
  };

  test('a notification makes us ask, and what Play says is true', async () => {
    expect((await buy('bea')).status).toBe(200);
    expect(await entitlement('bea')).toMatchObject({ status: 'active', planId: 'basic' });
    await buy('bea', 'IN_GRACE_PERIOD');
    expect(await entitlement('bea')).toMatchObject({ status: 'past_due' });
    await buy('bea', 'ON_HOLD');
    expect(await entitlement('bea')).toMatchObject({ status: 'canceled' });
    await buy('bea', 'PAUSED');
    expect(await entitlement('bea')).toMatchObject({ status: 'paused' });
    google.revoke();
    await eventually(
      'asked with a new token',
      async () => (await buy('bea', 'ACTIVE'), (await entitlement('bea')).status === 'active'),
    );
  });

  test('a canceled purchase lasts until it expires, by our clock', async () => {
    const end = new Date(Date.now() + 1_500).toISOString();
    await buy('cal', 'CANCELED', {
      lineItems: [{ productId: 'basic', offerDetails: { basePlanId: 'monthly' }, expiryTime: end }],
    });
    expect(await entitlement('cal')).toMatchObject({ status: 'active' });
    await eventually('it ended', async () => (await entitlement('cal')).status === 'canceled');
  });

  test('a purchase that stands in for another ends that one', async () => {
    await buy('dee');
    google.purchases.set(
      'token-dee-2',
      purchaseOf('ACTIVE', {
        lineItems: [{ productId: 'premium' }],
        linkedPurchaseToken: 'token-dee',
        externalAccountIdentifiers: { obfuscatedExternalAccountId: 'play-dee' },
      }),
    );
    await google.send(usher.url, 'token-dee-2');
    expect(await entitlement('dee')).toMatchObject({ status: 'active', planId: 'premium' });
    const [row] = await usher.database.query(
      `SELECT status, ended FROM subscription WHERE subscription_id = 'token-dee'`,
    );
    expect(row).toEqual({ status: 'canceled', ended: true });
  });

  test('what no notification said is found, one purchase after the other', async () => {
    await buy('eli');
    google.purchases.set('token-eli', purchaseOf('EXPIRED'));
    await eventually('it is repaired', async () => (await entitlement('eli')).status === 'canceled');
    await buy('flo');
    google.purchases.set('token-flo', 410);
    await eventually('it is over', async () => (await entitlement('flo')).status === 'canceled');
  });

  const another = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  test.each([
    ['without a token', { authorization: '' }, 'signature_invalid'],
    ['with a made-up one', { authorization: 'Bearer let-me-in' }, 'signature_invalid'],
    ['signed with another key', { key: another }, 'signature_invalid'],
    ['signed with another algorithm', { alg: 'PS256' }, 'signature_invalid'],
    ['for another audience', { claims: { aud: 'https://elsewhere.example' } }, 'signature_invalid'],
    ['of another issuer', { claims: { iss: 'https://accounts.example' } }, 'signature_invalid'],
    [
      'of another account',
      { claims: { email: 'mallory@tests.iam.gserviceaccount.com' } },
      'signature_invalid',
    ],
    ['of an account that was not verified', { claims: { email_verified: false } }, 'signature_invalid'],
    ['that has expired', { expiresIn: -60 }, 'signature_stale'],
  ])('a push %s is refused, and nothing of it is kept', async (_, options, code) => {
    const before = await kept();
    expectProblem(await google.send(usher.url, 'token-mallory', options), 400, code);
    expect(await kept()).toBe(before);
  });

  test('of another app is kept and ignored', async () => {
    expect(
      (await google.send(usher.url, 'token-x', { messageId: 'm-other', packageName: 'com.other' })).status,
    ).toBe(200);
    const [row] = await usher.database.query(`SELECT status, reason FROM webhook WHERE event_id = 'm-other'`);
    expect(row).toEqual({ status: 'ignored', reason: 'another_app' });
  });

  test('its users change what they pay for in the store', async () => {
    await buy('pat');
    const reply = await call(usher.url, await usher.token('pat'), 'POST', '/v1/me/membership/changes', {
      action: 'cancel',
    });
    expectProblem(reply, 501, 'not_configured');
  });
});

describe('a user with subscriptions at several processors', () => {
  test('may watch while any of them lets them; the most useful one speaks', async () => {
    const now = nowSeconds();
    await link('two', 'apple', 'app-two');
    const stripe = (status: string, created: number) =>
      usher.stripe.subscription('customer.subscription.updated', {
        id: 'sub_two',
        userId: 'two',
        customer: 'cus_two',
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

test('a node without their settings says so', async () => {
  const node = await usher.another({ APPLE_BUNDLE_ID: '', GOOGLE_PACKAGE_NAME: '', ROLES: 'api' });
  expectProblem(await apple.send(node.url), 501, 'not_configured');
  expectProblem(await google.send(node.url, 'token'), 501, 'not_configured');
});

test('no key and no purchase token stands in the log', () => {
  expectNone(
    { key: google.settings.GOOGLE_SERVICE_ACCOUNT_KEY?.slice(100, 160) ?? '', 'purchase token': 'token-bea' },
    usher.log(),
  );
});

/** The same with another payload under the signature. */
function altered(body: string): string {
  const { signedPayload } = JSON.parse(body) as { signedPayload: string };
  const [header, payload = '', signature] = signedPayload.split('.');
  const said = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
  const other = Buffer.from(JSON.stringify({ ...said, notificationType: 'REFUND' })).toString('base64url');
  return JSON.stringify({ signedPayload: [header, other, signature].join('.') });
}
