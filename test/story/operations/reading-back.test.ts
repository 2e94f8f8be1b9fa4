import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call, PREMIUM } from '../../support/drivers/back-office.js';
import { subscriptionIds } from '../../support/drivers/stripe-webhooks.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectCleanLog, expectProblem } from '../../support/expectations.js';

type Body = Record<string, unknown>;
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
  await usher.backOffice.putPlan('basic', ['price_basic', 'price_basic_yearly']);
  await usher.backOffice.putPlan('premium', ['price_premium'], { ...PREMIUM, maxStreams: 2 });
  await usher.stripe.send({ ...usher.stripe.event('customer.subscription.created'), id: 'evt_ann' });
});
afterAll(() => usher.stop());

const refused = async (path: string) => usher.backOffice.call('GET', path);
const subscribe = (userId: string, more: Body = {}) =>
  usher.stripe.sendEvent('customer.subscription.created', {
    ...subscriptionIds(userId),
    price: 'price_basic',
    status: 'active',
    ...more,
  });
/** All things of a list, page by page. */
async function everyPage(path: string, things: string, cursor: 'before' | 'after'): Promise<Body[]> {
  const all: Body[] = [];
  for (let next = '', pages = 0; pages < 50; pages += 1) {
    const body = await usher.backOffice.get(`${path}${path.includes('?') ? '&' : '?'}${next}`);
    all.push(...(body[things] as Body[]));
    if (body.next === undefined) return all;
    next = `${cursor}=${body.next as string}`;
  }
  throw new Error('the list has no end');
}

describe('whoever may read', () => {
  test.each([
    '/v1/plans',
    '/v1/plans/basic',
    '/v1/users?customer=stripe:cus_ann',
    '/v1/users/ann/links',
    '/v1/users/ann/streams',
    '/v1/users/ann/recommendations',
    '/v1/webhooks',
    '/v1/webhooks/stripe/evt_ann',
    '/v1/edges',
    '/v1/operations/overview',
    '/v1/search?q=ann',
  ])('%s, and nobody else', async (path) => {
    const { body } = await usher.backOffice.call('POST', '/v1/keys', { name: path, scopes: ['read'] });
    const others = await usher.backOffice.call('POST', '/v1/keys', {
      name: path,
      scopes: ['publish', 'recommendations', 'edge'],
    });
    expect((await call(usher.url, String(body.key), 'GET', path)).status).toBe(200);
    expectProblem(await call(usher.url, String(others.body.key), 'GET', path), 403, 'forbidden');
    expectProblem(await call(usher.url, undefined, 'GET', path), 401, 'unauthorized');
    expectProblem(await call(usher.url, await usher.token('ann'), 'GET', path), 401, 'unauthorized');
  });
});

describe('a plan', () => {
  test('is read back as it was put, with its prices in their order, alone and in the list', async () => {
    const prices = ['price_zz', 'price_aa', 'price_mm'];
    await usher.backOffice.putPlan('ordered', prices);
    const listed = {
      planId: 'ordered',
      name: 'ordered',
      capabilities: PREMIUM,
      prices,
      revision: 1,
      updatedAt: TIME,
    };
    expect(await usher.backOffice.get('/v1/plans/ordered')).toEqual({ ...listed, members: 0, behind: 0 });
    const list = await everyPage('/v1/plans?limit=1', 'plans', 'after');
    expect(list).toContainEqual(listed);
    expect(list.map(({ planId }) => planId)).toEqual(['basic', 'ordered', 'premium']);
  });

  test('says how many members it grants something', async () => {
    for (const userId of ['plan-1', 'plan-2', 'plan-3']) await subscribe(userId, { price: 'price_premium' });
    await usher.stripe.sendEvent('customer.subscription.deleted', subscriptionIds('plan-3'));
    expect(await usher.backOffice.get('/v1/plans/premium')).toMatchObject({ members: 2, behind: 0 });
  });

  test('that does not exist is not_found', async () => {
    expectProblem(await refused('/v1/plans/none'), 404, 'not_found');
    expectProblem(await refused('/v1/plans?after=nonsense'), 400, 'invalid_request');
    expectProblem(await refused('/v1/plans?limit=501'), 400, 'invalid_request');
  });
});

describe('a customer of a processor', () => {
  test('is found by a link, and by a subscription that belongs to a user', async () => {
    await usher.backOffice.call('PUT', '/v1/users/cust-1/links/stripe', { customerId: 'cus_linked:1' });
    await subscribe('cust-2');
    expect(await usher.backOffice.get('/v1/users?customer=stripe:cus_linked:1')).toEqual({
      users: [{ userId: 'cust-1', isLinked: true }],
    });
    expect(await usher.backOffice.get('/v1/users?customer=stripe:cus_cust-2')).toEqual({
      users: [{ userId: 'cust-2', isLinked: false }],
    });
    expect(await usher.backOffice.get('/v1/users?customer=apple:cus_cust-2')).toEqual({ users: [] });
    for (const query of ['', '?customer=stripe', '?customer=stripe:', '?customer=:cus_1'])
      expectProblem(await refused(`/v1/users${query}`), 400, 'invalid_request');
  });

  test('can be unlinked from a user, once', async () => {
    await usher.backOffice.call('PUT', '/v1/users/cust-3/links/stripe', { customerId: 'cus_3' });
    expect(await usher.backOffice.get('/v1/users/cust-3/links')).toEqual({
      links: [{ processor: 'stripe', customerId: 'cus_3' }],
    });
    const unlink = () => usher.backOffice.call('DELETE', '/v1/users/cust-3/links/stripe');
    expect((await unlink()).status).toBe(204);
    expectProblem(await unlink(), 404, 'not_found');
    expect(await usher.backOffice.get('/v1/users/cust-3/links')).toEqual({ links: [] });
    expect(await usher.backOffice.get('/v1/users?customer=stripe:cus_3')).toEqual({ users: [] });
  });
});

describe('of a user', () => {
  test('the running streams are read with their slots, the oldest first, and no stream that ended', async () => {
    await subscribe('watcher', { price: 'price_premium' });
    const start = async (deviceId: string) => {
      const stream = { userId: 'watcher', deviceId, titleId: 'dark', edgeId: 'edge-1' };
      return (await usher.backOffice.call('POST', '/v1/streams', stream)).body;
    };
    const [first, second] = [await start('tv'), await start('phone')];
    const list = async () => (await usher.backOffice.get('/v1/users/watcher/streams')).streams as Body[];
    expect(await list()).toEqual(
      [first, second].map((stream, n) => ({
        streamId: stream?.streamId,
        deviceId: ['tv', 'phone'][n],
        titleId: 'dark',
        edgeId: 'edge-1',
        startedAt: TIME,
        slotSince: TIME,
        slotUntil: TIME,
      })),
    );
    // The lease ends with its slot, at the latest.
    expect(String((await list())[0]?.slotUntil) >= String(first.expiresAt)).toBe(true);
    await usher.backOffice.call('DELETE', `/v1/streams/${String(first.streamId)}`);
    expect((await list()).map(({ streamId }) => streamId)).toEqual([second.streamId]);
  });

  test('the front pages are read as their apps get them', async () => {
    await usher.backOffice.recommend([
      { userId: 'fan', version: 1, items: ['film-1'] },
      { userId: 'fan', profileId: 'kids', version: '2026-11-26', items: [] },
    ]);
    expect(await usher.backOffice.get('/v1/users/fan/recommendations')).toEqual({
      recommendations: [
        { profileId: 'kids', version: '2026-11-26', items: [], updatedAt: TIME },
        { profileId: 'main', version: 1, items: ['film-1'], updatedAt: TIME },
      ],
    });
    expect(await usher.backOffice.get('/v1/users/nobody/recommendations')).toEqual({ recommendations: [] });
  });
});

describe('a webhook', () => {
  const sendFor = async (userId: string, price: string) => {
    const event = usher.stripe.event('customer.subscription.created', {
      ...subscriptionIds(userId),
      price,
      object: { customer_email: 'ada@example.com', default_payment_method: 'pm_1' },
    });
    expect((await usher.stripe.send(event)).status).toBe(200);
    return `/v1/webhooks/stripe/${event.id}`;
  };

  test('is read with what it waits for, and with a body in which nobody is named', async () => {
    const path = await sendFor('hook-1', 'price_unheard');
    const webhook = await usher.backOffice.get(path);
    expect(webhook).toMatchObject({
      processor: 'stripe',
      type: 'customer.subscription.created',
      status: 'waiting',
      reason: 'unknown_plan',
      waitingFor: ['price:price_unheard'],
      userId: 'hook-1',
      attempts: 1,
      createdAt: TIME,
      receivedAt: TIME,
      settledAt: TIME,
      nextAttemptAt: null,
      body: {
        type: 'customer.subscription.created',
        data: {
          object: {
            id: 'sub_hook-1',
            customer: 'cus_hook-1',
            customer_email: '[redacted]',
            metadata: { userId: 'hook-1' },
          },
        },
      },
    });
    expect(JSON.stringify(webhook)).not.toContain('ada@example.com');
    expectProblem(await refused('/v1/webhooks/stripe/evt_none'), 404, 'not_found');
    expectProblem(await refused('/v1/webhooks/acme/evt_none'), 404, 'not_found');
  });

  test('that was not applied can be tried again by whoever operates the gateway, until it is applied', async () => {
    const path = await sendFor('hook-2', 'price_late');
    const retry = (key?: string) =>
      key === undefined
        ? usher.backOffice.call('POST', `${path}/retry`)
        : call(usher.url, key, 'POST', `${path}/retry`);
    expect((await retry()).body).toMatchObject({ status: 'waiting', attempts: 2 });
    // As if it had come by another way than the API, which would have applied the webhook by itself.
    await usher.database.query(
      `INSERT INTO plan_price (price_id, plan_id, position) VALUES ('price_late', 'basic', 9)`,
    );
    const { body } = await usher.backOffice.call('POST', '/v1/keys', {
      name: 'support',
      scopes: ['support'],
    });
    expectProblem(await retry(String(body.key)), 403, 'forbidden');
    expectProblem(await call(usher.url, undefined, 'POST', `${path}/retry`), 401, 'unauthorized');
    expect(await retry()).toMatchObject({ status: 200, body: { status: 'applied', waitingFor: [] } });
    expect(await usher.backOffice.entitlement('hook-2')).toMatchObject({ status: 'active', planId: 'basic' });
    expectProblem(await retry(), 409, 'conflict');
    expect((await retry()).body.detail).toBe('It was applied before.');
  });

  test('that came too late to matter is not applied when it is tried again, and the refusal says so', async () => {
    const created = Math.floor(Date.now() / 1_000) - 60;
    await subscribe('hook-4', { created });
    const id = 'evt_too_late';
    const of = { ...subscriptionIds('hook-4'), price: 'price_basic', created: created - 10 };
    await usher.stripe.send({ ...usher.stripe.event('customer.subscription.updated', of), id });
    expect(await usher.backOffice.get(`/v1/webhooks/stripe/${id}`)).toMatchObject({ status: 'stale' });
    const reply = await usher.backOffice.call('POST', `/v1/webhooks/stripe/${id}/retry`);
    expectProblem(reply, 409, 'conflict');
    expect(reply.body.detail).toBe('Something newer was known already.');
  });

  test('is listed once, by status, page by page', async () => {
    for (const n of [1, 2, 3]) await sendFor(`hook-list-${n}`, 'price_unheard');
    const pages = await everyPage('/v1/webhooks?status=waiting&limit=2', 'webhooks', 'before');
    const whole = await usher.backOffice.get('/v1/webhooks?status=waiting&limit=500');
    expect(pages).toEqual(whole.webhooks);
    expect(pages.length).toBeGreaterThanOrEqual(4);
    expect(whole.next).toBeUndefined();
    expectProblem(await refused('/v1/webhooks?before=nonsense'), 400, 'invalid_request');
  });
});

test('the log contains no secrets', () => {
  expectCleanLog(usher);
});
