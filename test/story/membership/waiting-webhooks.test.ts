import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PREMIUM } from '../../support/drivers/back-office.js';
import { nowSeconds, type StripeEvent, subscriptionIds } from '../../support/drivers/stripe-webhooks.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectCleanLog } from '../../support/expectations.js';

let usher: TestUsher;
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

const storedWebhook = ({ id }: { readonly id: string }) => usher.backOffice.webhook(id);

describe('a webhook that cannot be applied yet', () => {
  test('because of an unknown price is stored and listed as waiting, and applied when the plan is created', async () => {
    const started = nowSeconds() - 60;
    await usher.stripe.send(subscription('ada', { created: started }));
    const before = await usher.backOffice.entitlement('ada');
    const upgrade = usher.stripe.event('customer.subscription.updated', {
      id: 'sub_ada',
      customer: 'cus_ada',
      price: 'price_new',
      created: started + 10,
    });

    expect(await usher.stripe.send(upgrade)).toMatchObject({
      status: 200,
      body: { received: true, duplicate: false },
    });
    const { body } = await usher.backOffice.call('GET', '/v1/webhooks?status=waiting');
    expect(body.webhooks).toContainEqual(
      expect.objectContaining({
        eventId: upgrade.id,
        status: 'waiting',
        reason: 'unknown_plan',
        waitingFor: ['price:price_new'],
      }),
    );
    expect(await usher.backOffice.entitlement('ada')).toMatchObject({
      version: before.version,
      status: 'active',
      planId: 'basic',
    });

    const device = await usher.device('ada', 'ada-tv');
    await usher.backOffice.putPlan('new', ['price_new']);
    await device.waitFor('membership.changed', ({ data }) => data.planId === 'new');
    expect(await usher.backOffice.entitlement('ada')).toMatchObject({
      version: 2,
      planId: 'new',
      capabilities: PREMIUM,
    });
    expect(await storedWebhook(upgrade)).toMatchObject({ status: 'applied', waitingFor: [] });
  });

  test('because of an unknown customer is stored and listed as waiting, and applied when the customer is linked', async () => {
    const event = usher.stripe.event('customer.subscription.created', {
      id: 'sub_bo',
      customer: 'cus_bo',
      price: 'price_basic',
    });
    expect((await usher.stripe.send(event)).status).toBe(200);
    expect(await storedWebhook(event)).toMatchObject({
      status: 'waiting',
      reason: 'unknown_customer',
      waitingFor: ['customer:stripe:cus_bo', 'subscription:sub_bo'],
    });
    expect(await usher.backOffice.entitlement('bo')).toMatchObject({ version: 0, status: 'none' });

    await usher.backOffice.call('PUT', '/v1/users/bo/links/stripe', { customerId: 'cus_bo' });
    expect(await usher.backOffice.entitlement('bo')).toMatchObject({
      version: 1,
      status: 'active',
      planId: 'basic',
    });
    expect(await storedWebhook(event)).toMatchObject({ status: 'applied' });
  });

  test('together with others ends in the newest state, in whatever order they came', async () => {
    const started = nowSeconds() - 60;
    const of = { id: 'sub_cy', customer: 'cus_cy' };
    const created = usher.stripe.event('customer.subscription.created', {
      ...of,
      price: 'price_basic',
      created: started,
    });
    const canceled = usher.stripe.event('customer.subscription.deleted', {
      ...of,
      price: 'price_basic',
      created: started + 20,
    });
    const failed = usher.stripe.event('invoice.payment_failed', { ...of, created: started + 10 });
    for (const event of [canceled, failed, created])
      expect((await usher.stripe.send(event)).status).toBe(200);
    for (const event of [canceled, failed, created])
      expect(await storedWebhook(event)).toMatchObject({ status: 'waiting' });

    await usher.backOffice.call('PUT', '/v1/users/cy/links/stripe', { customerId: 'cus_cy' });
    expect(await usher.backOffice.entitlement('cy')).toMatchObject({
      status: 'canceled',
      capabilities: { streaming: false },
    });
  });

  test('because a failed payment came before its subscription is applied once the subscription is there', async () => {
    const started = nowSeconds() - 60;
    const failed = usher.stripe.event('invoice.payment_failed', {
      id: 'sub_di',
      customer: 'cus_di',
      created: started + 10,
    });
    await usher.backOffice.call('PUT', '/v1/users/di/links/stripe', { customerId: 'cus_di' });
    await usher.stripe.send(failed);
    expect(await storedWebhook(failed)).toMatchObject({
      status: 'waiting',
      waitingFor: ['subscription:sub_di'],
    });
    await usher.stripe.send(subscription('di', { created: started }));
    expect(await usher.backOffice.entitlement('di')).toMatchObject({ status: 'past_due', planId: 'basic' });
    expect(await storedWebhook(failed)).toMatchObject({ status: 'applied' });
  });

  test('because a failed payment came before it was known whose the subscription is, is applied once the subscription is there', async () => {
    const started = nowSeconds() - 60;
    const failed = usher.stripe.event('invoice.payment_failed', {
      id: 'sub_dot',
      customer: 'cus_dot',
      created: started + 10,
    });
    await usher.stripe.send(failed);
    expect(await storedWebhook(failed)).toMatchObject({ status: 'waiting', reason: 'unknown_customer' });
    await usher.stripe.send(subscription('dot', { created: started }));
    expect(await usher.backOffice.entitlement('dot')).toMatchObject({ status: 'past_due', planId: 'basic' });
    expect(await storedWebhook(failed)).toMatchObject({ status: 'applied', waitingFor: [] });
  });

  test('because of two unknown prices is applied when either price belongs to a plan', async () => {
    const event = subscription('eve');
    const items = event.data.object.items as { data: { price: { id: string } }[] };
    const [base] = items.data;
    const addOn = structuredClone(base) as { price: { id: string } };
    (base as { price: { id: string } }).price.id = 'price_base_of_eve';
    addOn.price.id = 'price_add_on_of_eve';
    items.data.push(addOn);
    await usher.stripe.send(event);
    expect(await storedWebhook(event)).toMatchObject({ status: 'waiting', reason: 'unknown_plan' });
    await usher.backOffice.putPlan('add-on', ['price_add_on_of_eve']);
    expect(await usher.backOffice.entitlement('eve')).toMatchObject({ status: 'active', planId: 'add-on' });
  });

  test('because its user id is invalid waits for a link', async () => {
    const event = usher.stripe.event('customer.subscription.created', {
      id: 'sub_x',
      customer: 'cus_x',
      userId: 'no one/..',
      price: 'price_basic',
    });
    expect((await usher.stripe.send(event)).status).toBe(200);
    expect(await storedWebhook(event)).toMatchObject({ status: 'waiting', reason: 'unknown_customer' });
  });
});

describe('a webhook without news', () => {
  test('that is a duplicate is acknowledged and has no effect', async () => {
    const event = subscription('fay');
    expect(await usher.stripe.send(event)).toMatchObject({ status: 200, body: { duplicate: false } });
    const again = await Promise.all(Array.from({ length: 5 }, () => usher.stripe.send(event)));
    for (const reply of again)
      expect(reply).toMatchObject({ status: 200, body: { received: true, duplicate: true } });
    expect(await usher.backOffice.entitlement('fay')).toMatchObject({ version: 1 });
  });

  test('that is sent ten times at once is applied once', async () => {
    const event = subscription('gus');
    const replies = await Promise.all(Array.from({ length: 10 }, () => usher.stripe.send(event)));
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
    expect(replies.filter(({ body }) => body.duplicate === false)).toHaveLength(1);
    expect(await usher.backOffice.entitlement('gus')).toMatchObject({ version: 1, status: 'active' });
  });

  test('of an unknown type is stored and ignored', async () => {
    const event = { ...subscription('hal'), type: 'customer.subscription.of_a_later_year' };
    expect((await usher.stripe.send(event)).status).toBe(200);
    expect(await storedWebhook(event)).toMatchObject({ status: 'ignored' });
    expect(await usher.backOffice.entitlement('hal')).toMatchObject({ version: 0 });
  });

  test('of a known type without its fields is stored and causes no failure', async () => {
    const event = { ...subscription('ida'), data: { object: {} } };
    expect((await usher.stripe.send(event)).status).toBe(200);
    expect(await storedWebhook(event)).toMatchObject({
      status: expect.stringMatching(/^(failed|waiting|ignored)$/),
    });
    expect((await usher.stripe.send(subscription('ida'))).status).toBe(200);
    expect(await usher.backOffice.entitlement('ida')).toMatchObject({ version: 1 });
  });
});

test('the log contains no secret and no mail address', () => {
  expectCleanLog(usher, { mail: 'viewer@example.com' });
});
