import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { PREMIUM } from '../../support/drivers/back-office.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectCleanLog, expectProblem } from '../../support/expectations.js';
import {
  buildPurchase,
  type FakeGooglePlay,
  startFakeGooglePlay,
} from '../../support/fakes/fake-google-play.js';

let google: FakeGooglePlay;
let usher: TestUsher;
beforeAll(async () => {
  google = await startFakeGooglePlay();
  usher = await startUsher({ ...google.environment, RECONCILE_SECONDS: '1' });
  await usher.backOffice.putPlan('basic', ['basic:monthly'], { ...PREMIUM, maxStreams: 1 });
  await usher.backOffice.putPlan('premium', ['premium']);
});
afterAll(async () => {
  await usher.stop();
  await google.close();
});

const entitlement = (userId: string) => usher.backOffice.entitlement(userId);
const link = (userId: string, processor: string, customerId: string) =>
  usher.backOffice.call('PUT', `/v1/users/${userId}/links/${processor}`, { customerId });
const webhookCount = async () =>
  (await usher.database.query<{ n: number }>('SELECT count(*)::int AS n FROM webhook'))[0]?.n;

describe('Google Play', () => {
  const buy = async (userId: string, state = 'ACTIVE', more: Record<string, unknown> = {}) => {
    await link(userId, 'google', `play-${userId}`);
    google.purchases.set(
      `token-${userId}`,
      buildPurchase(state, {
        externalAccountIdentifiers: { obfuscatedExternalAccountId: `play-${userId}` },
        ...more,
      }),
    );
    return google.send(usher.url, `token-${userId}`);
  };

  test('a notification triggers a lookup, and the state that Google Play returns is applied', async () => {
    expect((await buy('bea')).status).toBe(200);
    expect(await entitlement('bea')).toMatchObject({ status: 'active', planId: 'basic' });
    await buy('bea', 'IN_GRACE_PERIOD');
    expect(await entitlement('bea')).toMatchObject({ status: 'past_due' });
    await buy('bea', 'ON_HOLD');
    expect(await entitlement('bea')).toMatchObject({ status: 'canceled' });
    await buy('bea', 'PAUSED');
    expect(await entitlement('bea')).toMatchObject({ status: 'paused' });
    google.revokeAccessToken();
    await eventually(
      'Play is called with a new access token',
      async () => (await buy('bea', 'ACTIVE'), (await entitlement('bea')).status === 'active'),
    );
  });

  test('a canceled purchase lasts until it expires, by Usher’s clock', async () => {
    const end = new Date(Date.now() + 1_500).toISOString();
    await buy('cal', 'CANCELED', {
      lineItems: [{ productId: 'basic', offerDetails: { basePlanId: 'monthly' }, expiryTime: end }],
    });
    expect(await entitlement('cal')).toMatchObject({ status: 'active' });
    await eventually('the membership ended', async () => (await entitlement('cal')).status === 'canceled');
  });

  test('a purchase that replaces another one ends it', async () => {
    await buy('dee');
    google.purchases.set(
      'token-dee-2',
      buildPurchase('ACTIVE', {
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

  test.each(['PENDING', 'PENDING_PURCHASE_CANCELED'] as const)(
    'a purchase that is %s has not replaced the one that it names',
    async (state) => {
      const user = `hal-${state.toLowerCase()}`;
      await buy(user);
      google.purchases.set(
        `token-${user}-2`,
        buildPurchase(state, {
          lineItems: [{ productId: 'premium' }],
          linkedPurchaseToken: `token-${user}`,
          externalAccountIdentifiers: { obfuscatedExternalAccountId: `play-${user}` },
        }),
      );
      await google.send(usher.url, `token-${user}-2`);
      expect(await entitlement(user)).toMatchObject({ status: 'active', planId: 'basic' });
    },
  );

  test('a subscription that is voided is looked up; a one-time purchase that is has nothing to do with memberships', async () => {
    await buy('ivo');
    google.purchases.set('token-ivo', buildPurchase('EXPIRED'));
    const voided = (purchaseToken: string, productType: number) => ({
      voidedPurchaseNotification: { purchaseToken, orderId: 'GPA.1', productType, refundType: 1 },
    });
    await google.send(usher.url, 'token-ivo', { notification: voided('token-ivo', 1) });
    expect(await entitlement('ivo')).toMatchObject({ status: 'canceled' });
    const messageId = 'voided-once';
    await google.send(usher.url, 'once', { messageId, notification: voided('once', 2) });
    const [row] = await usher.database.query('SELECT status FROM webhook WHERE event_id = $1', [messageId]);
    expect(row).toEqual({ status: 'ignored' });
    expect(google.lookups).not.toContain('once');
  });

  test('changes without a notification are found by reconciliation', async () => {
    await buy('eli');
    google.purchases.set('token-eli', buildPurchase('EXPIRED'));
    await eventually(
      'the membership is corrected',
      async () => (await entitlement('eli')).status === 'canceled',
    );
    await buy('flo');
    google.purchases.set('token-flo', 410);
    await eventually('the membership ended', async () => (await entitlement('flo')).status === 'canceled');
  });

  /** As if the processor had been away for so many tries; the next one is due now. */
  const age = (processor: string, attempts: number) =>
    usher.database.query(`UPDATE webhook SET attempts = $2, next_attempt_at = now() WHERE processor = $1`, [
      processor,
      attempts,
    ]);

  test('a first purchase is granted after Google was away for far longer than twenty tries', async () => {
    google.isAway = true;
    expect((await buy('gil')).status).toBe(200);
    await age('google', 5_000);
    await eventually('it is tried once more', async () => {
      const [row] = await usher.database.query(
        `SELECT 1 FROM webhook WHERE attempts > 5000 AND status = 'failed' AND reason = 'processor_unavailable'`,
      );
      return row !== undefined;
    });
    expect(await entitlement('gil')).toMatchObject({ status: 'none' });
    google.isAway = false;
    await age('google', 6_000);
    await eventually('it is granted', async () => (await entitlement('gil')).status === 'active');
  });

  const another = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  test.each([
    ['without a token', { authorization: '' }, 'signature_invalid'],
    ['with an invalid token', { authorization: 'Bearer let-me-in' }, 'signature_invalid'],
    ['signed with another key', { key: another }, 'signature_invalid'],
    ['signed with another algorithm', { alg: 'PS256' }, 'signature_invalid'],
    ['for another audience', { claims: { aud: 'https://elsewhere.example' } }, 'signature_invalid'],
    ['of another issuer', { claims: { iss: 'https://accounts.example' } }, 'signature_invalid'],
    [
      'of another account',
      { claims: { email: 'mallory@tests.iam.gserviceaccount.com' } },
      'signature_invalid',
    ],
    ['of an account that is not verified', { claims: { email_verified: false } }, 'signature_invalid'],
    ['that has expired', { expiresIn: -60 }, 'signature_stale'],
  ])('a Pub/Sub push %s is rejected and not stored', async (_, options, code) => {
    const before = await webhookCount();
    expectProblem(await google.send(usher.url, 'token-mallory', options), 400, code);
    expect(await webhookCount()).toBe(before);
  });

  test('a Pub/Sub push of another app is stored and ignored', async () => {
    expect(
      (await google.send(usher.url, 'token-x', { messageId: 'm-other', packageName: 'com.other' })).status,
    ).toBe(200);
    const [row] = await usher.database.query(`SELECT status, reason FROM webhook WHERE event_id = 'm-other'`);
    expect(row).toEqual({ status: 'ignored', reason: 'another_app' });
  });

  test('users cannot change their plan through Usher, only in the store', async () => {
    await buy('pat');
    const reply = await usher.callAs('pat', 'POST', '/v1/me/membership/changes', {
      action: 'cancel',
    });
    expectProblem(reply, 501, 'not_configured');
  });
});

test('the log contains no key and no purchase token', () => {
  expectCleanLog(usher, {
    key: google.environment.GOOGLE_SERVICE_ACCOUNT_KEY?.slice(100, 160) ?? '',
    'purchase token': 'token-bea',
  });
});
