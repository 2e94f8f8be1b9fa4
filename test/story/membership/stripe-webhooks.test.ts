import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PREMIUM } from '../../support/drivers/back-office.js';
import { nowSeconds, type StripeEvent, subscriptionIds } from '../../support/drivers/stripe-webhooks.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { histories } from '../../support/histories.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
  await usher.backOffice.putPlan('basic', ['price_basic'], {
    ...PREMIUM,
    maxStreams: 1,
    maxQuality: 'hd',
    ads: true,
  });
  await usher.backOffice.putPlan('premium', ['price_premium']);
});
afterAll(() => usher.stop());

describe('Stripe’s webhooks determine the membership', () => {
  test.each([
    ['unpaid', 'canceled'],
    ['paused', 'paused'],
  ])(
    'a subscription that is %s grants nothing any more, also with an unknown price',
    async (status, membership) => {
      const userId = `price-${status}`;
      const created = nowSeconds() - 60;
      const of = { ...subscriptionIds(userId), price: 'price_basic' };
      await usher.stripe.sendEvent('customer.subscription.created', { ...of, status: 'active', created });
      await usher.stripe.sendEvent('customer.subscription.updated', {
        ...of,
        price: 'price_nobody_knows',
        status,
        created: created + 1,
      });
      expect(await usher.backOffice.entitlement(userId)).toMatchObject({
        status: membership,
        planId: 'basic',
        capabilities: { streaming: false },
      });
    },
  );

  test('a subscription, an upgrade, a failed payment and a cancellation reach every device, each with a higher version', async () => {
    const tv = await usher.device('ann', 'ann-tv');
    const phone = await usher.device('ann', 'ann-phone');
    const now = nowSeconds();
    const of = { ...subscriptionIds('ann') };
    await usher.stripe.sendEvent('customer.subscription.created', {
      ...of,
      price: 'price_basic',
      status: 'active',
      created: now,
    });
    await usher.stripe.sendEvent('customer.subscription.updated', {
      ...of,
      price: 'price_premium',
      status: 'active',
      created: now + 1,
    });
    await usher.stripe.sendEvent('invoice.payment_failed', { ...of, created: now + 2 });
    await usher.stripe.sendEvent('customer.subscription.deleted', {
      ...of,
      price: 'price_premium',
      status: 'canceled',
      created: now + 3,
    });
    for (const device of [tv, phone]) {
      await device.waitFor('membership.changed', ({ data }) => data.version === 4);
      const received = device
        .envelopes('membership.changed')
        .map(({ data }) => [data.version, data.status, data.planId]);
      expect(received).toEqual([
        [1, 'active', 'basic'],
        [2, 'active', 'premium'],
        [3, 'past_due', 'premium'],
        [4, 'canceled', 'premium'],
      ]);
      expect(device.envelopes('membership.changed').at(-1)?.data.capabilities).toMatchObject({
        streaming: false,
        maxStreams: 0,
      });
    }
    expect(await usher.backOffice.entitlement('ann')).toMatchObject({
      userId: 'ann',
      version: 4,
      status: 'canceled',
      capabilities: { streaming: false },
    });
  });

  test('any order and repetition of webhooks ends in the same state, and no version ever decreases', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([0, 0, 1, 1, 2, 2, 3, 3, 4], { minLength: 9 }), async (order) => {
        const userId = `any-${(run += 1)}`;
        const device = await usher.device(userId, `${userId}-tv`);
        const history = historyOf(userId);
        const versions: number[] = [];
        for (const index of order) {
          expect((await usher.stripe.send(history[index])).status).toBe(200);
          versions.push(Number((await usher.backOffice.entitlement(userId)).version));
        }
        expect(versions).toEqual([...versions].sort((a, b) => a - b));
        const entitlement = await usher.backOffice.entitlement(userId);
        expect(entitlement).toMatchObject({
          status: 'active',
          planId: 'premium',
          capabilities: { maxStreams: 4 },
        });
        await device.waitFor('membership.changed', ({ data }) => data.version === entitlement.version);
        const versionsReceived = device
          .envelopes('membership.changed')
          .map(({ data }) => Number(data.version));
        expect(versionsReceived).toEqual(versionsReceived.map((_, index) => index + 1));
        device.close();
      }),
      histories(15),
    );
  });

  test('an ended subscription never becomes active again, whatever is delivered after its end', async () => {
    const of = { id: 'sub_end', userId: 'ed', customer: 'cus_ed', price: 'price_basic' };
    const now = nowSeconds();
    await usher.stripe.sendEvent('customer.subscription.deleted', {
      ...of,
      status: 'canceled',
      created: now,
    });
    await usher.stripe.sendEvent('customer.subscription.created', {
      ...of,
      status: 'active',
      created: now - 10,
    });
    await usher.stripe.sendEvent('customer.subscription.updated', {
      ...of,
      status: 'active',
      created: now + 10,
    });
    expect(await usher.backOffice.entitlement('ed')).toMatchObject({
      status: 'canceled',
      version: 1,
      capabilities: { streaming: false },
    });
  });

  test('a cancellation at the end of the period leaves the membership active and shows when it ends', async () => {
    const now = nowSeconds();
    const end = now + 86_400;
    await usher.stripe.sendEvent('customer.subscription.updated', {
      ...subscriptionIds('fay'),
      price: 'price_basic',
      status: 'active',
      created: now,
      object: { cancel_at_period_end: true, cancel_at: end },
    });
    const device = await usher.device('fay', 'fay-tv');
    const { membership } = (await device.waitFor('snapshot')) as unknown as {
      membership: Record<string, unknown>;
    };
    expect(membership).toMatchObject({ status: 'active', cancelAt: new Date(end * 1_000).toISOString() });
  });

  test('webhooks applied by two nodes at once never create the same version twice', async () => {
    const other = await usher.another();
    const now = nowSeconds();
    const events = Array.from({ length: 10 }, (_, n) =>
      usher.stripe.event('customer.subscription.updated', {
        ...subscriptionIds('gus'),
        created: now + n,
        status: 'active',
        price: n % 2 === 0 ? 'price_basic' : 'price_premium',
      }),
    );
    await Promise.all(events.flatMap((event) => [usher.stripe.send(event), other.stripe.send(event)]));
    const history = await usher.database.query<{ version: string }>(
      `SELECT version FROM membership_history WHERE user_id = 'gus' ORDER BY version`,
    );
    expect(history.map(({ version }) => Number(version))).toEqual(history.map((_, index) => index + 1));
    expect(await usher.backOffice.entitlement('gus')).toMatchObject({ planId: 'premium' });
  });

  test('a webhook that was stored by a node that then died is applied by another node', async () => {
    const event = usher.stripe.event('customer.subscription.created', {
      ...subscriptionIds('hal'),
      price: 'price_basic',
      status: 'active',
    });
    const device = await usher.device('hal', 'hal-tv');
    await usher.database.query(
      `INSERT INTO webhook (processor, event_id, type, status, payload, created_at, received_at)
       VALUES ('stripe', $1, $2, 'stored', $3, now(), now() - interval '10 seconds')`,
      [event.id, event.type, JSON.stringify(event)],
    );
    const { data } = await device.waitFor('membership.changed');
    expect(data).toMatchObject({ version: 1, status: 'active', planId: 'basic' });
  });
});

/** Returns a history of events at Stripe, in order. */
function historyOf(userId: string): StripeEvent[] {
  const now = nowSeconds();
  const of = { ...subscriptionIds(userId) };
  return [
    usher.stripe.event('customer.subscription.created', {
      ...of,
      status: 'incomplete',
      price: 'price_basic',
      created: now,
    }),
    usher.stripe.event('customer.subscription.updated', {
      ...of,
      status: 'active',
      price: 'price_basic',
      created: now + 1,
    }),
    usher.stripe.event('invoice.payment_failed', { ...of, created: now + 2 }),
    usher.stripe.event('customer.subscription.updated', {
      ...of,
      status: 'past_due',
      price: 'price_basic',
      created: now + 3,
    }),
    usher.stripe.event('customer.subscription.updated', {
      ...of,
      status: 'active',
      price: 'price_premium',
      created: now + 4,
    }),
  ];
}
