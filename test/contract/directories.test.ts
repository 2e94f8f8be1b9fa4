import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { PlanStore } from '../../src/membership/plans/plan.store.js';
import { SubscriptionStore } from '../../src/membership/subscriptions/subscription.store.js';
import { SubscriptionTaken } from '../../src/membership/subscriptions/update-rules.js';
import type { StoredSubscription } from '../../src/membership/subscriptions/update-rules.js';
import { Database } from '../../src/platform/postgres/database.js';
import type { PrismaService } from '../../src/platform/postgres/prisma.service.js';
import { eventually } from '../support/eventually.js';
import { createDatabase, type TestDatabase } from '../support/infrastructure/database.js';

/**
 * What processors name leads to one user, whoever of two says so first. In process on a real PostgreSQL: which of two transactions comes
 * first cannot be chosen through the API.
 */
let postgres: TestDatabase;
let database: Database;
let subscriptions: SubscriptionStore;
beforeAll(async () => {
  postgres = await createDatabase();
});
beforeEach(() => {
  database = new Database({ DATABASE_URL: postgres.url } as ConstructorParameters<typeof Database>[0]);
  subscriptions = new SubscriptionStore(database);
});
afterEach(() => database.onApplicationShutdown());
afterAll(() => postgres.drop());

const waiting = (count: number) =>
  eventually(`${count} wait for a lock`, async () => {
    const rows = await postgres.query(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rows.length === count;
  });

const subscription = (userId: string, subscriptionId: string, status = 'active'): StoredSubscription => ({
  ...{ userId, processor: 'stripe', subscriptionId, customerId: `customer of ${userId}` },
  ...{ status: status as StoredSubscription['status'], planId: null, cancelAt: null, graceEndsAt: null },
  ...{ effectiveAt: new Date(), asOf: new Date(), ended: false, fetchSequence: null, object: {} },
});
const insert = (one: StoredSubscription) =>
  database.transaction('critical', (tx) => subscriptions.insert(tx, one));
const stored = () =>
  postgres.query(
    `SELECT s.subscription_id AS id, s.user_id AS "userId", o.user_id AS owner, status, bucket = bucket_of(s.user_id) AS "isInBucket"
     FROM subscription s FULL JOIN subscription_owner o ON o.processor = s.processor AND o.subscription_id = s.subscription_id ORDER BY 1`,
  );

test('a subscription that two users get at the same moment belongs to one of them, and the other update is to be tried again', async () => {
  let commit = (): void => undefined;
  const committed = new Promise<void>((resolve) => (commit = resolve));
  let begun = false;
  const first = database.transaction('critical', async (tx) => {
    await subscriptions.insert(tx, subscription('ann', 'sub_1'));
    begun = true;
    await committed;
  });
  await eventually('the first has begun', () => begun);
  const second = insert(subscription('ben', 'sub_1')).catch((error: unknown) => error);
  await waiting(1);
  commit();
  await first;
  expect(await second).toBeInstanceOf(SubscriptionTaken);
  await expect(insert(subscription('ben', 'sub_1'))).rejects.toBeInstanceOf(SubscriptionTaken);
  expect(await stored()).toEqual([
    { id: 'sub_1', userId: 'ann', owner: 'ann', status: 'active', isInBucket: true },
  ]);
  const ref = { processor: 'stripe', subscriptionId: 'sub_1' };
  const owner = await database.transaction('critical', (tx) =>
    subscriptions.findOwner(tx, { ...ref, customerId: 'customer of ben' }),
  );
  expect(owner).toBe('ann');
  expect(await subscriptions.get({ ...ref, userId: 'ann' })).toMatchObject({ userId: 'ann' });
  expect(await subscriptions.get({ ...ref, userId: 'ben' })).toBeUndefined();
});

test('an update of a subscription reaches the one of its user alone', async () => {
  await insert(subscription('cy', 'sub_2'));
  await database.transaction('critical', (tx) =>
    subscriptions.update(tx, subscription('ben', 'sub_2', 'paused')),
  );
  await database.transaction('critical', (tx) =>
    subscriptions.update(tx, subscription('ann', 'sub_1', 'paused')),
  );
  expect(await stored()).toMatchObject([
    { id: 'sub_1', status: 'paused' },
    { id: 'sub_2', status: 'active' },
  ]);
});

const link = (plans: PlanStore, customerId: string, userId: string) =>
  database.transaction('important', (tx) => plans.linkCustomer(tx, 'stripe', customerId, userId));

test('a user who is linked to two customers of a processor at the same moment has one of them, without an index that says so', async () => {
  await postgres.query('DROP INDEX processor_link_user_id_processor_key');
  const plans = new PlanStore({} as PrismaService, database);
  await link(plans, 'cus_0', 'di');
  const release = await postgres.holdTransaction(
    `SELECT FROM processor_link WHERE customer_id = 'cus_0' FOR UPDATE`,
  );
  const links = ['cus_1', 'cus_2'].map((customer) => link(plans, customer, 'di'));
  await waiting(2);
  await release();
  await Promise.all(links);
  const rows = await postgres.query<{ id: string }>(
    `SELECT customer_id AS id FROM processor_link WHERE user_id = 'di'`,
  );
  expect(rows).toHaveLength(1);
  expect(['cus_1', 'cus_2']).toContain(rows[0]?.id);
});

test('two users who exchange their customers at the same moment never wait for each other', async () => {
  const plans = new PlanStore({} as PrismaService, database);
  for (let round = 0; round < 50; round += 1) {
    const [first, second] = round % 2 === 0 ? ['eva', 'fin'] : ['fin', 'eva'];
    await Promise.all([link(plans, 'cus_8', first), link(plans, 'cus_9', second)]);
  }
  const rows = await postgres.query(`SELECT FROM processor_link WHERE user_id IN ('eva', 'fin')`);
  expect(rows).toHaveLength(2);
});
