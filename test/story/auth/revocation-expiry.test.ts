import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { RevocationStore } from '../../../src/platform/auth/revocations/revocation.store.js';
import { RevocationsService } from '../../../src/platform/auth/revocations/revocations.service.js';
import { EventBusService } from '../../../src/platform/events/event-bus.service.js';
import { MetricsService } from '../../../src/platform/metrics/metrics.service.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { auditIn, byTest } from '../../support/audit.js';
import { testConfig } from '../../support/config.js';
import { eventually } from '../../support/eventually.js';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';

let testDatabase: TestDatabase;
let database: Database;
let store: RevocationStore;
beforeAll(async () => {
  testDatabase = await createDatabase();
  database = new Database(testConfig({ DATABASE_URL: testDatabase.url }));
  store = new RevocationStore(database);
});
afterAll(async () => {
  await database.onApplicationShutdown();
  await testDatabase.drop();
});
beforeEach(() => testDatabase.query('TRUNCATE revocation'));

const insert = (userId: string, daysAgo: number, tokenId = '') =>
  testDatabase.query(
    `INSERT INTO revocation (user_id, token_id, not_before) VALUES ($1, $2, now() - make_interval(days => $3))`,
    [userId, tokenId, daysAgo],
  );
describe('a revocation', () => {
  test('that is made anew is kept from then on', async () => {
    await insert('ann', 40);
    const before = Date.now() - 60_000;
    await database.transaction('critical', (tx) => store.add(tx, { userId: 'ann' }));
    const rows = await testDatabase.query<{ at: Date }>('SELECT not_before AS at FROM revocation');
    expect(rows.map(({ at }) => at.getTime() > before)).toEqual([true]);
  });
});

describe('a node', () => {
  const start = async (): Promise<{ node: RevocationsService; remembered: () => Promise<number> }> => {
    const metrics = new MetricsService();
    const node = new RevocationsService(store, new EventBusService(), auditIn(database), metrics);
    await node.onModuleInit();
    const gauge = metrics.registry.getSingleMetric('usher_revocation_users');
    return { node, remembered: async () => (await gauge?.get())?.values[0]?.value ?? 0 };
  };
  const token = (userId: string) => ({ userId, issuedAt: Date.now() - 3_600_000 });
  const isRevoked = (node: RevocationsService, userId: string): Promise<boolean> =>
    node.check(token(userId)).then(
      () => false,
      (error: { code: string }) => error.code === 'token_revoked',
    );

  test('does not hold the revocations of all users: it reads those of a user who comes to it', async () => {
    for (const userId of ['ann', 'ben', 'cleo']) await insert(userId, 0);
    const { node, remembered } = await start();
    try {
      expect(await remembered()).toBe(0);
      const all = ['ann', 'dan', 'ann', 'dan'];
      expect(await Promise.all(all.map((userId) => isRevoked(node, userId)))).toEqual([
        true,
        false,
        true,
        false,
      ]);
      expect(await remembered()).toBe(2);
    } finally {
      await node.onApplicationShutdown();
    }
  });

  test('learns what another node revokes, whether the user was there before or comes later', async () => {
    const [one, other] = [await start(), await start()];
    try {
      expect(await isRevoked(one.node, 'ann')).toBe(false);
      await other.node.revoke({ userId: 'ann' }, byTest);
      await other.node.revoke({ userId: 'ben' }, byTest);
      expect(await isRevoked(one.node, 'ben')).toBe(true);
      await eventually('the token is revoked', () => isRevoked(one.node, 'ann'));
    } finally {
      await one.node.onApplicationShutdown();
      await other.node.onApplicationShutdown();
    }
  });
});
