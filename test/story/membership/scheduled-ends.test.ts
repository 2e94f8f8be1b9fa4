import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PREMIUM } from '../../support/drivers/back-office.js';
import { nowSeconds, subscriptionIds } from '../../support/drivers/stripe-webhooks.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
  await usher.backOffice.putPlan('basic', ['price_basic'], { ...PREMIUM, maxStreams: 1, ads: true });
});
afterAll(() => usher.stop());

/** Sends a webhook that says at which second the user's subscription ends. */
const endsAt = (node: TestUsher, userId: string, seconds: number | null, created = nowSeconds()) =>
  node.stripe.sendEvent('customer.subscription.updated', {
    ...subscriptionIds(userId),
    price: 'price_basic',
    status: 'active',
    created,
    object: { cancel_at: seconds },
  });

describe('a membership ends at its scheduled time, without a webhook', () => {
  test('every device receives a new version with the reason scheduled_end about a second later', async () => {
    const tv = await usher.device('ann', 'ann-tv');
    const end = nowSeconds() + 3;
    await endsAt(usher, 'ann', end);
    const { data } = await tv.waitFor('membership.changed', ({ data: { version } }) => version === 2);
    const late = Date.now() - end * 1_000;
    expect(data).toMatchObject({
      status: 'canceled',
      planId: 'basic',
      effectiveAt: new Date(end * 1_000).toISOString(),
      reason: 'scheduled_end',
      capabilities: { streaming: false },
    });
    expect(data).not.toHaveProperty('cancelAt');
    expect(late).toBeGreaterThanOrEqual(0);
    // The worker checks every 250 ms; the rest allows for a busy machine.
    expect(late).toBeLessThan(2_500);
    const history = await usher.database.query(
      `SELECT version::int, status, reason, processor, webhook_id IS NULL AS ours FROM membership_history WHERE user_id = 'ann' ORDER BY version`,
    );
    expect(history).toEqual([
      {
        version: 1,
        status: 'active',
        reason: 'customer.subscription.updated',
        processor: 'stripe',
        ours: false,
      },
      { version: 2, status: 'canceled', reason: 'scheduled_end', processor: 'usher', ours: true },
    ]);
  });

  test('a later webhook about the end changes nothing', async () => {
    const end = nowSeconds() - 5;
    await endsAt(usher, 'bob', end, end - 60);
    await eventually(
      'the membership ended',
      async () => (await usher.backOffice.entitlement('bob')).status === 'canceled',
    );
    const { version } = await usher.backOffice.entitlement('bob');
    await usher.stripe.sendEvent('customer.subscription.deleted', {
      ...subscriptionIds('bob'),
      price: 'price_basic',
      created: end,
      object: { ended_at: end },
    });
    expect(await usher.backOffice.entitlement('bob')).toMatchObject({ version, status: 'canceled' });
  });

  test('a resumed membership does not end, and one that had ended becomes active again', async () => {
    const end = nowSeconds() + 1;
    await endsAt(usher, 'cat', end, nowSeconds() - 2);
    await endsAt(usher, 'cat', null, nowSeconds() - 1);
    await endsAt(usher, 'dan', nowSeconds() - 1, nowSeconds() - 60);
    await eventually(
      'dan’s membership ended',
      async () => (await usher.backOffice.entitlement('dan')).status === 'canceled',
    );
    await endsAt(usher, 'dan', null);
    expect(await usher.backOffice.entitlement('dan')).toMatchObject({
      status: 'active',
      capabilities: { streaming: true },
    });
    await eventually('the end has passed', () => nowSeconds() > end + 1);
    expect(await usher.backOffice.entitlement('cat')).toMatchObject({ status: 'active', version: 2 });
  });
});

describe('nothing is granted after the end, even before the next version exists', () => {
  test('on a node where no worker runs', async () => {
    const alone = await startUsher({ ROLES: 'gateway,api' });
    try {
      await alone.backOffice.putPlan('basic', ['price_basic']);
      await endsAt(alone, 'eva', nowSeconds() + 3);
      expect(await alone.backOffice.entitlement('eva')).toMatchObject({ version: 1, status: 'active' });
      const ended = await eventually('the entitlement is denied', async () => {
        const now = await alone.backOffice.entitlement('eva');
        return now.status === 'canceled' && now;
      });
      expect(ended).toMatchObject({ version: 1, capabilities: { streaming: false, maxStreams: 0 } });
      const tv = await alone.device('eva', 'eva-tv');
      const snapshot = await tv.waitFor('snapshot');
      expect(snapshot).toMatchObject({
        membership: { version: 1, status: 'canceled' },
        entitlement: { status: 'canceled', capabilities: { streaming: false } },
      });
    } finally {
      await alone.stop();
    }
  });
});

test('a past_due membership keeps its capabilities for PAST_DUE_DAYS and then loses them', async () => {
  const day = 86_400;
  const pastDue = (userId: string, since: number) =>
    usher.stripe.sendEvent('customer.subscription.updated', {
      ...subscriptionIds(userId),
      price: 'price_basic',
      status: 'past_due',
      created: since,
    });
  await pastDue('fay', nowSeconds() - 29 * day);
  await pastDue('gus', nowSeconds() - 31 * day);
  // Stripe's notice of another failed attempt does not restart the period.
  await pastDue('gus', nowSeconds() - day);
  expect(await usher.backOffice.entitlement('fay')).toMatchObject({
    status: 'past_due',
    capabilities: { streaming: true },
  });
  expect(await usher.backOffice.entitlement('gus')).toMatchObject({
    status: 'canceled',
    capabilities: { streaming: false },
  });
});

test('the database itself ensures that a version never decreases and history is never rewritten', async () => {
  await endsAt(usher, 'hal', null);
  const refused = (sql: string) =>
    usher.database.query(sql).then(
      () => 'done',
      (error: Error) => error.message,
    );
  expect(
    await refused(`UPDATE membership SET version = 1, status = 'canceled' WHERE user_id = 'hal'`),
  ).toMatch(/only grows/);
  expect(await refused(`UPDATE membership_history SET reason = 'x' WHERE user_id = 'hal'`)).toMatch(
    /append only/,
  );
});
