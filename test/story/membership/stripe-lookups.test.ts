import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nowSeconds, subscriptionIds } from '../../support/drivers/stripe-webhooks.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { type FakeStripe, startFakeStripe } from '../../support/fakes/fake-stripe.js';
import { histories } from '../../support/histories.js';

let stripe: FakeStripe;
let usher: TestUsher;
beforeAll(async () => {
  stripe = await startFakeStripe();
  usher = await startUsher({ ...stripe.environment, RECONCILE_SECONDS: '1' });
  await usher.backOffice.putPlan('basic', ['price_basic']);
  await usher.backOffice.putPlan('premium', ['price_premium']);
});
afterAll(async () => {
  await usher.stop();
  await stripe.close();
});
afterEach(() => {
  stripe.failureMode = 'none';
  stripe.beforeResponse = undefined;
});

const subscriptionOf = (userId: string, price = 'price_basic') => ({
  ...subscriptionIds(userId),
  price,
});
const entitlement = (userId: string) => usher.backOffice.entitlement(userId);
const withPrice = (id: string, price: string) => {
  const items = structuredClone(stripe.subscription(id).items) as { data: { price: object }[] };
  return {
    items: {
      ...items,
      data: items.data.map((item) =>
        Object.assign(structuredClone(item), { price: { ...item.price, id: price } }),
      ),
    },
  };
};

describe('with access to Stripe’s API, a webhook only triggers a lookup', () => {
  test('the current state at Stripe counts, not the state in the webhook', async () => {
    const created = stripe.createSubscription(subscriptionOf('ann'));
    stripe.updateSubscription('sub_ann', { status: 'past_due' });
    await usher.stripe.send(created);
    expect(await entitlement('ann')).toMatchObject({ version: 1, status: 'past_due', planId: 'basic' });
  });

  test('an event type without a subscription status of its own triggers the lookup too', async () => {
    stripe.createSubscription(subscriptionOf('ivy'));
    const paid = { ...usher.stripe.event('invoice.payment_failed', { id: 'sub_ivy' }), type: 'invoice.paid' };
    await usher.stripe.send(paid);
    expect(await entitlement('ivy')).toMatchObject({ status: 'active' });
  });

  test('several events of the same second in the wrong order end in the state at Stripe', async () => {
    const now = nowSeconds();
    const events = [stripe.createSubscription({ ...subscriptionOf('tia'), status: 'incomplete' })];
    for (const status of ['active', 'past_due', 'unpaid', 'active'])
      events.push(stripe.updateSubscription('sub_tia', { status }, now));
    for (const event of events.reverse()) await usher.stripe.send(event);
    expect(await entitlement('tia')).toMatchObject({ status: 'active' });
  });

  test('a slow response to an earlier lookup does not overwrite a newer one', async () => {
    await usher.stripe.send(stripe.createSubscription(subscriptionOf('rae')));
    let first = true;
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    stripe.beforeResponse = async () => {
      if (!first) return;
      first = false;
      await held;
    };
    const slow = usher.stripe.send(stripe.updateSubscription('sub_rae', { status: 'past_due' }));
    await eventually('the first lookup has read the subscription', () => !first);
    await usher.stripe.send(
      stripe.updateSubscription('sub_rae', { status: 'canceled', ended_at: nowSeconds() }),
    );
    expect(await entitlement('rae')).toMatchObject({ status: 'canceled' });
    release();
    await slow;
    expect(await entitlement('rae')).toMatchObject({ status: 'canceled' });
  });

  test('an end is final and needs no lookup: it is applied even while Stripe is unavailable', async () => {
    await usher.stripe.send(stripe.createSubscription(subscriptionOf('una')));
    stripe.failureMode = 'error';
    await usher.stripe.send(stripe.endSubscription('sub_una'));
    expect(await entitlement('una')).toMatchObject({ status: 'canceled', version: 2 });
  });

  test('while Stripe is unavailable, the webhook is stored, and it is applied when Stripe is back', async () => {
    const event = stripe.createSubscription(subscriptionOf('sid'));
    stripe.failureMode = 'error';
    expect((await usher.stripe.send(event)).status).toBe(200);
    expect(await usher.backOffice.webhook(event.id)).toMatchObject({
      status: 'failed',
      reason: 'processor_unavailable',
    });
    expect(await entitlement('sid')).toMatchObject({ version: 0 });
    stripe.failureMode = 'none';
    await eventually('it is applied', async () => (await entitlement('sid')).status === 'active');
  });
});

describe('reconciliation', () => {
  test('finds a change, an end and a new subscription whose webhooks never came', async () => {
    for (const userId of ['may', 'ned'])
      await usher.stripe.send(stripe.createSubscription(subscriptionOf(userId)));
    const tv = await usher.device('may', 'may-tv');
    stripe.updateSubscription('sub_may', withPrice('sub_may', 'price_premium'));
    stripe.endSubscription('sub_ned');
    stripe.createSubscription(subscriptionOf('zoe'));
    const { data } = await tv.waitFor('membership.changed', ({ data: { version } }) => version === 2);
    expect(data).toMatchObject({ planId: 'premium', reason: 'reconciliation' });
    await eventually(
      'ned’s subscription ended',
      async () => (await entitlement('ned')).status === 'canceled',
    );
    await eventually(
      'zoe’s subscription is found',
      async () => (await entitlement('zoe')).status === 'active',
    );
    const metrics = await (await fetch(`${usher.url}/metrics`)).text();
    expect(metrics).toMatch(/usher_reconciled_total\{processor="stripe",outcome="repaired"\} \d+/);
    expect(usher.log()).toMatch(/were not as stripe says/);
  });

  test('goes on behind a subscription that cannot be stored', async () => {
    await usher.database.query(
      `ALTER TABLE subscription ADD CONSTRAINT unstorable CHECK (subscription_id <> 'sub_abe')`,
    );
    stripe.createSubscription(subscriptionOf('abe'));
    stripe.createSubscription(subscriptionOf('zac'));
    await eventually('zac is found', async () => (await entitlement('zac')).status === 'active');
    expect(await entitlement('abe')).toMatchObject({ status: 'none' });
    await usher.database.query('ALTER TABLE subscription DROP CONSTRAINT unstorable');
    await eventually('abe is found', async () => (await entitlement('abe')).status === 'active');
  });

  test('never ends a subscription that Stripe does not know, since the API key may be wrong: its signed webhook counts', async () => {
    const elsewhere = usher.stripe.event('customer.subscription.created', {
      ...subscriptionOf('wes', 'price_basic'),
      status: 'active',
    });
    await usher.stripe.send(elsewhere);
    expect(await entitlement('wes')).toMatchObject({ status: 'active' });
    const lastReconciliation = async () =>
      (await usher.database.query<{ at: string }>('SELECT finished_at::text AS at FROM reconciliation'))[0]
        ?.at;
    const before = await lastReconciliation();
    await eventually('a whole reconciliation is done', async () => (await lastReconciliation()) !== before);
    expect(await entitlement('wes')).toMatchObject({ status: 'active', version: 1 });
  });
});

test('with webhooks lost, repeated, late and shuffled over two nodes, every membership ends in the state at Stripe, and no version ever decreases', async () => {
  const other = await usher.another();
  let run = 0;
  const move = fc.constantFrom('active', 'past_due', 'unpaid', 'price_basic', 'price_premium', 'end');
  const delivery = fc.record({ times: fc.nat(2), at: fc.nat(1_000), elsewhere: fc.boolean() });
  const history = fc.array(fc.tuple(move, delivery), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(history, async (moves) => {
      const userId = `any-${(run += 1)}`;
      const id = `sub_${userId}`;
      const events = [
        { event: stripe.createSubscription(subscriptionOf(userId)), times: 1, at: 0, elsewhere: false },
      ];
      for (const [what, how] of moves) {
        if (stripe.subscription(id).status === 'canceled') break;
        const event =
          what === 'end'
            ? stripe.endSubscription(id)
            : stripe.updateSubscription(
                id,
                what.startsWith('price') ? withPrice(id, what) : { status: what },
              );
        events.push({ event, ...how });
      }
      const versions: number[] = [];
      for (const { event, times, elsewhere } of events.toSorted((a, b) => a.at - b.at)) {
        const node = elsewhere ? other : usher;
        await Promise.all(Array.from({ length: times }, () => node.stripe.send(event)));
        versions.push(Number((await entitlement(userId)).version));
      }
      const { status, items } = stripe.subscription(id) as {
        status: string;
        items: { data: { price: { id: string } }[] };
      };
      const wanted = {
        status: status === 'unpaid' ? 'canceled' : status,
        planId: items.data[0]?.price.id.replace('price_', ''),
      };
      const now = await eventually('the membership has the state at Stripe', async () => {
        const seen = await entitlement(userId);
        return seen.status === wanted.status && seen.planId === wanted.planId && seen;
      });
      versions.push(Number(now.version));
      expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    }),
    histories(5),
  );
});

test('a webhook is answered within Stripe’s deadline even when the lookup gets no response', async () => {
  const event = stripe.createSubscription(subscriptionOf('lou'));
  stripe.failureMode = 'no-response';
  const began = performance.now();
  expect((await usher.stripe.send(event)).status).toBe(200);
  expect(performance.now() - began).toBeLessThan(4_000);
});
