import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ServiceKeyStore } from '../../../src/platform/auth/service-keys/service-key.store.js';
import { ServiceKeyUsageWorker } from '../../../src/platform/auth/service-keys/service-key-usage.worker.js';
import { ServiceKeysService } from '../../../src/platform/auth/service-keys/service-keys.service.js';
import { MetricsService } from '../../../src/platform/metrics/metrics.service.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { PrismaService } from '../../../src/platform/postgres/prisma.service.js';
import { auditIn, byTest } from '../../support/audit.js';
import { testConfig } from '../../support/config.js';
import { eventually } from '../../support/eventually.js';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';

let database: TestDatabase;
let prisma: PrismaService;
let connections: Database;
let metrics: MetricsService;
/** Two nodes on one database; the metrics are those of the first. */
let node: ServiceKeysService;
let otherNode: ServiceKeysService;
beforeAll(async () => {
  database = await createDatabase();
  prisma = new PrismaService(testConfig({ DATABASE_URL: database.url }));
  connections = new Database(testConfig({ DATABASE_URL: database.url }));
});
afterAll(async () => {
  await prisma.onApplicationShutdown();
  await connections.onApplicationShutdown();
  await database.drop();
});
beforeEach(() => {
  metrics = new MetricsService();
  const store = new ServiceKeyStore(prisma, connections);
  const start = (own: MetricsService) =>
    new ServiceKeysService(store, new ServiceKeyUsageWorker(store), auditIn(connections), testConfig(), own);
  [node, otherNode] = [start(metrics), start(new MetricsService())];
});

const invented = (n: number) => `usk_${String(n).padStart(16, '0')}_${'x'.repeat(43)}`;
const lookups = async () =>
  (await metrics.registry.getSingleMetric('usher_service_key_lookups_total')?.get())?.values[0]?.value;

describe('an unknown service key', () => {
  test('is looked up once, not at each call', async () => {
    for (let n = 0; n < 20; n += 1) expect(await node.identify(invented(1), '192.0.2.1')).toBeUndefined();
    // Every two seconds once, since another node may create it.
    expect(await lookups()).toBeLessThan(10);
  });

  test('that is another one each time soon costs no query any more, and known keys are served all the same', async () => {
    const { key, id } = await node.create({ name: 'known', scopes: ['edge'] }, byTest);
    expect(await node.identify(key, '192.0.2.2')).toMatchObject({ id });
    const attempts = await Promise.allSettled(
      Array.from({ length: 500 }, (_, n) => node.identify(invented(1_000 + n), '192.0.2.1')),
    );
    const refused = attempts.filter((one) => one.status === 'rejected' && one.reason.code === 'rate_limited');
    expect(refused.length).toBeGreaterThan(300);
    // Whose key this node never saw is found all the same, from another address.
    const other = await otherNode.create({ name: 'of somebody else', scopes: ['edge'] }, byTest);
    expect(await node.identify(other.key, '192.0.2.2')).toMatchObject({ id: other.id });
    expect(await lookups()).toBeLessThanOrEqual(2 + 500 - refused.length);
    expect(await node.identify(key, '192.0.2.2')).toMatchObject({ id });
  });

  test('that another node creates is found', async () => {
    const { key } = await otherNode.create({ name: 'new', scopes: ['edge'] }, byTest);
    await eventually('the key is known', () => node.identify(key, '192.0.2.2'));
  });
});
