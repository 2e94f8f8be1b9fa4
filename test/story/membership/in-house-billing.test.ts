import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call } from '../../support/drivers/back-office.js';
import {
  sendStandardWebhook,
  signedHeaders,
  STANDARD_SECRET,
  subscriptionUpdated,
} from '../../support/drivers/standard-webhooks.js';
import { nowSeconds } from '../../support/drivers/stripe-webhooks.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectProblem } from '../../support/expectations.js';

let usher: TestUsher;
const OLD = `whsec_${Buffer.from('the secret that is being replaced').toString('base64')}`;
beforeAll(async () => {
  usher = await startUsher({ STANDARD_WEBHOOK_SECRET: `${STANDARD_SECRET}, ${OLD}` });
  await usher.backOffice.putPlan('basic', ['price_basic']);
});
afterAll(() => usher.stop());

const subscriptionOf = (userId: string, more: Record<string, unknown> = {}) => ({
  subscriptionId: `s-${userId}`,
  userId,
  status: 'active',
  priceIds: ['price_basic'],
  ...more,
});
const webhookCount = async () =>
  (
    await usher.database.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM webhook WHERE processor = 'standard'`,
    )
  )[0]?.n;
const statusOf = async (eventId: string) =>
  (
    await usher.database.query<{ status: string; reason: string | null }>(
      `SELECT status, reason FROM webhook WHERE event_id = $1`,
      [eventId],
    )
  )[0];

describe('an in-house billing system that sends Standard Webhooks', () => {
  test('starts and ends a membership with its subscription, and an older event changes nothing', async () => {
    const tv = await usher.device('ann', 'ann-tv');
    const at = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();
    await sendStandardWebhook(
      usher.url,
      subscriptionUpdated(subscriptionOf('ann', { cancelAt: at(86_400) }), at(0)),
    );
    await sendStandardWebhook(
      usher.url,
      subscriptionUpdated(subscriptionOf('ann', { status: 'past_due' }), at(2)),
    );
    await sendStandardWebhook(usher.url, subscriptionUpdated(subscriptionOf('ann'), at(1)));
    await sendStandardWebhook(
      usher.url,
      subscriptionUpdated(subscriptionOf('ann', { status: 'canceled', ended: true }), at(3)),
    );
    await sendStandardWebhook(usher.url, subscriptionUpdated(subscriptionOf('ann'), at(4)));
    await tv.waitFor('membership.changed', ({ data }) => data.version === 3);
    const received = tv
      .envelopes('membership.changed')
      .map(({ data }) => [data.version, data.status, data.planId]);
    expect(received).toEqual([
      [1, 'active', 'basic'],
      [2, 'past_due', 'basic'],
      [3, 'canceled', 'basic'],
    ]);
    expect(tv.envelopes('membership.changed')[0]?.data).toHaveProperty('cancelAt');
    expect(await usher.backOffice.entitlement('ann')).toMatchObject({ version: 3, status: 'canceled' });
  });

  test('a webhook for an unknown customer waits until the customer is linked', async () => {
    const { userId: _, ...data } = subscriptionOf('bob', { customerId: 'c-1' });
    await sendStandardWebhook(usher.url, subscriptionUpdated(data), { id: 'msg_bob' });
    expect(await statusOf('msg_bob')).toMatchObject({ status: 'waiting' });
    await usher.backOffice.call('PUT', '/v1/users/bob/links/standard', { customerId: 'c-1' });
    expect(await usher.backOffice.entitlement('bob')).toMatchObject({ status: 'active' });
  });

  test('a webhook that names only the customer is applied once an older one says whose the subscription is', async () => {
    const at = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();
    const { userId: _, ...data } = subscriptionOf('bea', { customerId: 'c-2', status: 'past_due' });
    await sendStandardWebhook(usher.url, subscriptionUpdated(data, at(-5)), { id: 'msg_bea' });
    expect(await statusOf('msg_bea')).toEqual({ status: 'waiting', reason: 'unknown_customer' });
    await sendStandardWebhook(usher.url, subscriptionUpdated(subscriptionOf('bea'), at(-10)));
    expect(await usher.backOffice.entitlement('bea')).toMatchObject({ status: 'past_due', planId: 'basic' });
    expect(await statusOf('msg_bea')).toMatchObject({ status: 'applied' });
  });

  test.each([
    ['canceled', 'an unknown price', ['price_nobody_knows']],
    ['canceled', 'no price', []],
    ['paused', 'an unknown price', ['price_nobody_knows']],
  ])('a subscription that is %s grants nothing any more, also with %s', async (status, _, priceIds) => {
    const userId = `end-${status}-${priceIds.length}`;
    const at = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();
    await sendStandardWebhook(usher.url, subscriptionUpdated(subscriptionOf(userId), at(-5)));
    await sendStandardWebhook(
      usher.url,
      subscriptionUpdated(subscriptionOf(userId, { status, priceIds }), at(-4)),
    );
    expect(await usher.backOffice.entitlement(userId)).toMatchObject({
      status,
      planId: 'basic',
      capabilities: { streaming: false },
    });
    await sendStandardWebhook(usher.url, subscriptionUpdated(subscriptionOf(userId), at(-3)));
    expect(await usher.backOffice.entitlement(userId)).toMatchObject({ status: 'active', planId: 'basic' });
  });

  test('the same event again has no second effect', async () => {
    const event = subscriptionUpdated(subscriptionOf('cat'));
    const first = await sendStandardWebhook(usher.url, event, { id: 'msg_cat' });
    const again = await sendStandardWebhook(usher.url, event, { id: 'msg_cat' });
    expect([first.body, again.body]).toEqual([
      { received: true, duplicate: false },
      { received: true, duplicate: true },
    ]);
  });

  test.each([
    ['msg_kind', { type: 'invoice.created', timestamp: new Date().toISOString(), data: {} }, 'unknown_type'],
    ['msg_none', { hello: 'world' }, 'unknown_type'],
    ['msg_odd', subscriptionUpdated({ subscriptionId: 's', status: 'generous' }), 'not_understood'],
  ])('an event that Usher does not understand is stored as ignored: %s', async (id, event, reason) => {
    expect((await sendStandardWebhook(usher.url, event, { id })).status).toBe(200);
    expect(await statusOf(id)).toEqual({ status: 'ignored', reason });
  });

  test('while a secret is rotated, the old and the new one are both accepted', async () => {
    expect(
      (await sendStandardWebhook(usher.url, subscriptionUpdated(subscriptionOf('old')), { secret: OLD }))
        .status,
    ).toBe(200);
    const body = JSON.stringify(subscriptionUpdated(subscriptionOf('two')));
    const now = signedHeaders(body, { id: 'msg_two' });
    const other = signedHeaders(body, {
      id: 'msg_two',
      secret: `whsec_${Buffer.from('of another').toString('base64')}`,
    });
    const both = `${other['webhook-signature']} v1a,ed25519-that-is-not-ours ${now['webhook-signature']}`;
    const reply = await call(usher.url, undefined, 'POST', '/v1/webhooks/standard', body, {
      ...now,
      'webhook-signature': both,
    });
    expect(reply.status).toBe(200);
  });
});

describe('a forged, stale or malformed Standard Webhook is rejected and not stored', () => {
  const body = JSON.stringify(subscriptionUpdated(subscriptionOf('mallory')));
  const good = () => signedHeaders(body, { id: 'msg_forged' });
  const cases: [string, () => Record<string, string>, string, string][] = [
    ['no signature', () => ({}), body, 'signature_invalid'],
    ['an empty signature', () => ({ ...good(), 'webhook-signature': '' }), body, 'signature_invalid'],
    [
      'a signature with another secret',
      () => signedHeaders(body, { secret: `whsec_${Buffer.from('mallory’s').toString('base64')}` }),
      body,
      'signature_invalid',
    ],
    ['a signature of another body', good, body.replace('active', 'paused'), 'signature_invalid'],
    [
      'a body that was parsed and serialized again',
      good,
      JSON.stringify(JSON.parse(body), null, 1),
      'signature_invalid',
    ],
    [
      'a truncated signature',
      () => ({ ...good(), 'webhook-signature': good()['webhook-signature']?.slice(0, -4) ?? '' }),
      body,
      'signature_invalid',
    ],
    [
      'a signature of another id',
      () => ({ ...good(), 'webhook-id': 'msg_other' }),
      body,
      'signature_invalid',
    ],
    [
      'a signature of another time',
      () => ({ ...good(), 'webhook-timestamp': String(nowSeconds() - 7) }),
      body,
      'signature_invalid',
    ],
    [
      'a signature of another version',
      () => ({ ...good(), 'webhook-signature': (good()['webhook-signature'] ?? '').replace('v1,', 'v2,') }),
      body,
      'signature_invalid',
    ],
    [
      'a signature that is too old',
      () => signedHeaders(body, { at: nowSeconds() - 301 }),
      body,
      'signature_stale',
    ],
    [
      'a signature from the future',
      () => signedHeaders(body, { at: nowSeconds() + 310 }),
      body,
      'signature_stale',
    ],
    ['signed, but not JSON', () => signedHeaders('{"type":'), '{"type":', 'malformed_json'],
    ['signed JSON, but not an event', () => signedHeaders('[1]'), '[1]', 'invalid_request'],
  ];
  test.each(cases)('%s', async (_, headers, sent, code) => {
    const before = await webhookCount();
    expectProblem(
      await call(usher.url, undefined, 'POST', '/v1/webhooks/standard', sent, headers()),
      400,
      code,
    );
    expect(await webhookCount()).toBe(before);
  });

  test('a body that is too large', async () => {
    const large = JSON.stringify(
      subscriptionUpdated({ ...subscriptionOf('large'), padding: 'x'.repeat(300_000) }),
    );
    const before = await webhookCount();
    expectProblem(await sendStandardWebhook(usher.url, large), 413, 'payload_too_large');
    expect(await webhookCount()).toBe(before);
  });

  test('any webhook on a node without a secret', async () => {
    const node = await usher.another({ STANDARD_WEBHOOK_SECRET: '' });
    expectProblem(
      await sendStandardWebhook(node.url, subscriptionUpdated(subscriptionOf('no'))),
      501,
      'not_configured',
    );
  });
});

test('the published example of Standard Webhooks has its published signature', () => {
  // https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/javascript (its test of `sign`)
  const published = signedHeaders('{"test": 2432232314}', {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    at: 1_614_265_330,
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  });
  expect(published['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});
