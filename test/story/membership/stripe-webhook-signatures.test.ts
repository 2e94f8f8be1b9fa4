import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { call, type HttpReply, PREMIUM } from '../../support/drivers/back-office.js';
import {
  nowSeconds,
  type StripeEvent,
  stripeSignature,
  subscriptionIds,
} from '../../support/drivers/stripe-webhooks.js';
import { startUsher, STRIPE_SECRET, type TestUsher } from '../../support/drivers/usher.js';
import { expectCleanLog, expectProblem } from '../../support/expectations.js';
import { nestedJson } from '../../support/invalid-input.js';

let usher: TestUsher;
const signatures: string[] = [];
beforeAll(async () => {
  usher = await startUsher();
  await usher.backOffice.putPlan('basic', ['price_basic'], { ...PREMIUM, maxStreams: 1, ads: true });
});
afterAll(() => usher.stop());

const subscription = (userId: string, more: Record<string, unknown> = {}): StripeEvent =>
  usher.stripe.event('customer.subscription.created', {
    ...subscriptionIds(userId),
    price: 'price_basic',
    ...more,
  });

const sign = (payload: string, { secret = STRIPE_SECRET, at = nowSeconds() } = {}): string => {
  const header = stripeSignature(payload, secret, at);
  signatures.push(header);
  return header;
};

/** Posts these bytes as a webhook with this signature header. */
const post = (
  body: string | Uint8Array,
  signature?: string,
  headers: Record<string, string> = {},
): Promise<HttpReply> =>
  call(usher.url, undefined, 'POST', '/v1/webhooks/stripe', body, {
    ...(signature !== undefined && { 'stripe-signature': signature }),
    ...headers,
  });

const storedWebhook = ({ id }: { readonly id: string }) => usher.backOffice.webhook(id);

describe('a Stripe webhook with an invalid signature is rejected and not stored', () => {
  test.each([
    ['no signature', () => undefined],
    ['an empty signature', () => ''],
    ['a made-up signature', () => `t=${nowSeconds()},v1=${'0'.repeat(64)}`],
    ['a signature without a time', (body: string) => sign(body).replace(/t=\d+,/, '')],
    ['a signature without a hash', () => `t=${nowSeconds()}`],
    ['only the old test scheme v0', (body: string) => sign(body).replace('v1=', 'v0=')],
    ['a signature with another secret', (body: string) => sign(body, { secret: 'whsec_of_somebody_else' })],
    ['the signature of another body', () => sign('{}')],
    [
      'its own signature with a later time',
      (body: string) => sign(body, { at: nowSeconds() - 60 }).replace(/t=\d+/, `t=${nowSeconds()}`),
    ],
  ])('%s', async (_, header) => {
    const event = subscription('forged');
    const body = JSON.stringify(event);
    expectProblem(await post(body, header(body)), 400, 'signature_invalid');
    expect(await storedWebhook(event)).toBeUndefined();
    expect(await usher.backOffice.entitlement('forged')).toMatchObject({ version: 0, status: 'none' });
  });

  test('a body that was parsed and serialized again, since the signature covers the bytes', async () => {
    const event = subscription('rewritten');
    expectProblem(
      await post(JSON.stringify(event, null, 2), sign(JSON.stringify(event))),
      400,
      'signature_invalid',
    );
    expect(await storedWebhook(event)).toBeUndefined();
  });

  test('a body in which one digit was changed', async () => {
    const event = subscription('changed');
    const body = JSON.stringify(event);
    expectProblem(
      await post(body.replace('"quantity":1', '"quantity":2'), sign(body)),
      400,
      'signature_invalid',
    );
    expect(await storedWebhook(event)).toBeUndefined();
  });

  test('a signature that is more than 300 s old or in the future', async () => {
    for (const seconds of [-310, 310]) {
      const event = subscription('stale');
      const body = JSON.stringify(event);
      expectProblem(await post(body, sign(body, { at: nowSeconds() + seconds })), 400, 'signature_stale');
      expect(await storedWebhook(event)).toBeUndefined();
    }
  });
});

describe('a Stripe webhook with a valid signature is accepted', () => {
  test.each([-280, 280])('with a clock that is %i s off', async (seconds) => {
    const event = subscription(`clock${seconds}`);
    const body = JSON.stringify(event);
    expect((await post(body, sign(body, { at: nowSeconds() + seconds }))).status).toBe(200);
    expect(await storedWebhook(event)).toMatchObject({ status: 'applied' });
  });

  test('when one of its two signatures is valid, as while Stripe rotates a secret', async () => {
    const event = subscription('rolled');
    const body = JSON.stringify(event);
    const [time, right] = sign(body).split(',');
    const [, wrong] = sign(body, { secret: 'whsec_the_former_one' }).split(',');
    expect((await post(body, [time, wrong, right].join(','))).status).toBe(200);
    expect(await storedWebhook(event)).toMatchObject({ status: 'applied' });
  });

  test('with either secret of a node that has two', async () => {
    const node = await usher.another({ STRIPE_WEBHOOK_SECRET: 'whsec_a_new_secret, whsec_an_old_secret' });
    for (const secret of ['whsec_a_new_secret', 'whsec_an_old_secret']) {
      const event = subscription(secret);
      expect((await node.stripe.send(event, { secret })).status).toBe(200);
      expect(await storedWebhook(event)).toMatchObject({ status: 'applied' });
    }
    expectProblem(
      await node.stripe.send(subscription('neither'), { secret: STRIPE_SECRET }),
      400,
      'signature_invalid',
    );
  });
});

describe('a malformed webhook is rejected', () => {
  test('10,000 levels deep', async () => {
    const body = `{"id":"evt_deep","object":"event","created":1,"type":"x","data":${nestedJson(10_000)}}`;
    expectProblem(await post(body, sign(body)), 400, 'too_deep');
    expect(await storedWebhook({ id: 'evt_deep' })).toBeUndefined();
  });

  test('larger than the limit, as sent or after decompression', async () => {
    const event = { ...subscription('large'), padding: 'x'.repeat(300_000) };
    const body = JSON.stringify(event);
    expectProblem(await post(body, sign(body)), 413, 'payload_too_large');
    expectProblem(
      await post(gzipSync(body), sign(body), { 'content-encoding': 'gzip' }),
      413,
      'payload_too_large',
    );
    expect(await storedWebhook(event)).toBeUndefined();
  });

  test.each(['', 'not json', '{"id":"evt_half"'])('signed, but not JSON: %j', async (body) => {
    expectProblem(await post(body, sign(body)), 400, 'malformed_json');
  });

  test.each([
    'null',
    '5',
    '"text"',
    '[]',
    '{}',
    '{"id":7,"created":1}',
    '{"id":"evt_no_time","type":"x"}',
    '{"id":"evt_late","type":"x","created":1e20}',
  ])('signed JSON, but not an event: %s', async (body) => {
    expectProblem(await post(body, sign(body)), 400, 'invalid_request');
  });

  test('of an unknown processor', async () => {
    expectProblem(await call(usher.url, undefined, 'POST', '/v1/webhooks/paypal', '{}'), 404, 'not_found');
  });
});

test('webhooks are listed only for keys with the scope', async () => {
  expectProblem(await call(usher.url, undefined, 'GET', '/v1/webhooks'), 401, 'unauthorized');
  const { body } = await usher.backOffice.call('POST', '/v1/keys', {
    name: 'publisher',
    scopes: ['publish'],
  });
  expectProblem(await call(usher.url, String(body.key), 'GET', '/v1/webhooks'), 403, 'forbidden');
  expectProblem(await usher.backOffice.call('GET', '/v1/webhooks?status=everything'), 400, 'invalid_request');
});

test('the log contains no secret, no signature and no mail address', () => {
  const hashes = signatures.flatMap((header) => header.split('v1=').slice(1));
  expectCleanLog(usher, {
    mail: 'viewer@example.com',
    'other secret': 'whsec_of_somebody_else',
    ...Object.fromEntries(hashes.map((hash, n) => [`signature ${n}`, hash])),
  });
});
