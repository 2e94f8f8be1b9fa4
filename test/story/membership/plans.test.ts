import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readAudit } from '../../support/audit.js';
import { PREMIUM } from '../../support/drivers/back-office.js';
import { nowSeconds, subscriptionIds } from '../../support/drivers/stripe-webhooks.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';
import { isWaitingForLock } from '../../support/infrastructure/locks.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(() => usher.stop());

test('a price that another plan gets at the same moment is refused, and nothing of the call is stored', async () => {
  await usher.backOffice.putPlan('first', []);
  await usher.backOffice.putPlan('second', ['price_of_second']);
  const release = await usher.database.holdTransaction(
    `INSERT INTO plan_price (price_id, plan_id) VALUES ('price_contested', 'first')`,
  );
  const reply = usher.backOffice.putPlan('second', ['price_before', 'price_contested'], {
    ...PREMIUM,
    maxStreams: 9,
  });
  await eventually('the second call waits for the first one', () => isWaitingForLock(usher.database));
  await release('COMMIT');
  expectProblem(await reply, 409, 'price_taken');
  expect((await reply).body).toMatchObject({ prices: ['price_contested'] });
  expect((await usher.backOffice.call('GET', '/v1/plans/second')).body).toMatchObject({
    prices: ['price_of_second'],
    capabilities: PREMIUM,
    revision: 1,
  });
  const told = await readAudit(usher, 'action=plan.put&limit=500');
  expect(told.filter(({ target }) => (target as { id: string }).id === 'second')).toHaveLength(1);
});

test('of many plans that want the same prices at once one gets them, and each of the others is refused', async () => {
  const prices = ['price_race_1', 'price_race_2', 'price_race_3'];
  const names = Array.from({ length: 8 }, (_, n) => `race-${n}`);
  const replies = await Promise.all(
    names.map((name, n) => usher.backOffice.putPlan(name, n % 2 === 0 ? prices : [...prices].reverse())),
  );
  expect(replies.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 7 }, () => 409)]);
  const { body } = await usher.backOffice.call('GET', '/v1/plans?limit=500');
  const stored = (body.plans as { planId: string; prices: string[] }[]).filter(({ planId }) =>
    names.includes(planId),
  );
  expect(stored.map((plan) => [...plan.prices].sort())).toEqual([prices]);
});

test('changed capabilities of a plan reach all of its users, each with one new version, and no other user', async () => {
  await usher.backOffice.putPlan('wide', ['price_wide'], { ...PREMIUM, maxStreams: 2 });
  const users = Array.from({ length: 5 }, (_, n) => `wide-${n}`);
  for (const userId of users) {
    await usher.stripe.sendEvent('customer.subscription.created', {
      ...subscriptionIds(userId),
      price: 'price_wide',
      status: 'active',
    });
  }
  await usher.stripe.sendEvent('customer.subscription.deleted', {
    ...subscriptionIds('wide-4'),
    created: nowSeconds() + 1,
  });
  const tv = await usher.device('wide-0', 'wide-tv');
  await usher.backOffice.putPlan('wide', ['price_wide'], { ...PREMIUM, maxStreams: 3 });
  const { data } = await tv.waitFor('membership.changed', ({ data: { version } }) => version === 2);
  expect(data).toMatchObject({ reason: 'plan_changed', status: 'active', capabilities: { maxStreams: 3 } });
  for (const userId of users.slice(0, 4))
    await eventually(userId, async () => (await usher.backOffice.entitlement(userId)).version === 2);
  expect(await usher.backOffice.entitlement('wide-4')).toMatchObject({ version: 2, status: 'canceled' });
  // Another name of the plan changes nothing for its users.
  await usher.backOffice.call('PUT', '/v1/plans/wide', {
    name: 'Wide',
    prices: ['price_wide'],
    capabilities: { ...PREMIUM, maxStreams: 3 },
  });
  await usher.backOffice.putPlan('other', ['price_other']);
  const [{ behind } = { behind: -1 }] = await usher.database.query<{ behind: number }>(
    `SELECT count(*)::int AS behind FROM membership m JOIN plan p USING (plan_id) WHERE m.plan_revision < p.revision`,
  );
  expect(behind).toBe(0);
});

test('changed capabilities reach the other users of the plan when one membership cannot be saved, and that one later', async () => {
  await usher.backOffice.putPlan('tall', ['price_tall'], { ...PREMIUM, maxStreams: 2 });
  const users = Array.from({ length: 6 }, (_, n) => `tall-${n}`);
  for (const userId of users)
    await usher.stripe.sendEvent('customer.subscription.created', {
      ...subscriptionIds(userId),
      price: 'price_tall',
      status: 'active',
    });
  await usher.database.query(
    `ALTER TABLE membership_history ADD CONSTRAINT broken CHECK (user_id <> 'tall-2' OR version < 2) NOT VALID`,
  );
  await usher.backOffice.putPlan('tall', ['price_tall'], { ...PREMIUM, maxStreams: 3 });
  for (const userId of users.filter((userId) => userId !== 'tall-2'))
    await eventually(userId, async () => (await usher.backOffice.entitlement(userId)).version === 2);
  expect((await usher.backOffice.entitlement('tall-2')).version).toBe(1);
  await usher.database.query('ALTER TABLE membership_history DROP CONSTRAINT broken');
  await eventually(
    'the one that was broken',
    async () => (await usher.backOffice.entitlement('tall-2')).version === 2,
  );
});

test('a preview says what a change would do, and for whom, and changes nothing', async () => {
  const preview = async (planId: string, body: Record<string, unknown>) =>
    (await usher.backOffice.call('POST', `/v1/plans/${planId}/preview`, body)).body;
  await usher.backOffice.putPlan('slim', ['price_slim'], { ...PREMIUM, maxStreams: 2 });
  for (const [userId, status] of [
    ['slim-1', 'active'],
    ['slim-2', 'active'],
    ['slim-3', 'trialing'],
  ] as const)
    await usher.stripe.sendEvent('customer.subscription.created', {
      ...subscriptionIds(userId),
      price: 'price_slim',
      status,
    });
  const before = (await usher.backOffice.call('GET', '/v1/plans/slim')).body;
  const slim = { name: 'slim', prices: ['price_slim'], capabilities: { ...PREMIUM, maxStreams: 2 } };
  expect(await preview('slim', slim)).toMatchObject({ action: 'keep', before: null, affected: 0 });
  expect(await preview('slim', { ...slim, name: 'Slim' })).toMatchObject({
    action: 'change',
    before: { name: 'slim' },
    after: { name: 'Slim' },
    affected: 0,
  });
  const wider = { ...slim, prices: ['price_slim', 'price_wide'], capabilities: PREMIUM };
  expect(await preview('slim', wider)).toEqual({
    planId: 'slim',
    action: 'change',
    before: { prices: slim.prices, capabilities: slim.capabilities },
    after: { prices: wider.prices, capabilities: wider.capabilities },
    takenPrices: ['price_wide'],
    members: [
      { status: 'active', count: 2 },
      { status: 'trialing', count: 1 },
    ],
    affected: 3,
  });
  expect(await preview('unheard', slim)).toMatchObject({
    action: 'create',
    before: null,
    members: [],
    affected: 0,
  });
  expect((await usher.backOffice.call('GET', '/v1/plans/slim')).body).toEqual(before);
  expect((await usher.backOffice.call('GET', '/v1/plans/unheard')).status).toBe(404);
});

describe('an invalid plan or customer link is rejected:', () => {
  test.each([
    ['no capabilities', { capabilities: undefined }],
    ['negative streams', { capabilities: { ...PREMIUM, maxStreams: -1 } }],
    ['half a stream', { capabilities: { ...PREMIUM, maxStreams: 1.5 } }],
    ['streaming that is not a boolean', { capabilities: { ...PREMIUM, streaming: 'yes' } }],
    ['no name', { name: '' }],
    ['a name with a zero character', { name: 'ba\u0000sic' }],
    ['prices that are not a list', { prices: 'price_1' }],
    ['a price with a zero character', { prices: ['price\u0000'] }],
  ])('%s', async (_, wrong) => {
    const body = { name: 'basic', prices: ['price_of_a_wrong_plan'], capabilities: PREMIUM, ...wrong };
    expectProblem(await usher.backOffice.call('PUT', '/v1/plans/wrong', body), 400, 'invalid_request');
  });

  test('a price that belongs to another plan', async () => {
    expect((await usher.backOffice.putPlan('first', ['price_of_first'])).status).toBe(200);
    expectProblem(
      await usher.backOffice.putPlan('second', ['price_of_second', 'price_of_first']),
      409,
      'price_taken',
    );
  });

  test('a customer id with a zero character', async () => {
    expectProblem(
      await usher.backOffice.call('PUT', '/v1/users/ada/links/stripe', { customerId: 'cus\u0000' }),
      400,
      'invalid_request',
    );
  });
});
