import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { PresenceStore } from '../../src/cluster/presence.store.js';
import { RedisService } from '../../src/platform/redis/redis.service.js';
import { testConfig } from '../support/config.js';
import { eventually } from '../support/eventually.js';
import { describeEachRedis, type TestRedis } from '../support/infrastructure/redis.js';

const USERS = Array.from({ length: 1_000 }, (_, n) => `user-${n}`);
/** A server reads 16 KiB at a time, so one request with a thousand names takes about twenty reads. */
const READS_OF_ONE_TRIP = 60;

describeEachRedis('presence', (start) => {
  let redis: TestRedis;
  let links: RedisService;
  let presence: PresenceStore;
  beforeAll(async () => {
    redis = await start();
    links = new RedisService(testConfig({ REDIS_URL: redis.url }));
    presence = new PresenceStore(links, `presence-${process.pid}`);
    await eventually('Redis is there', () => presence.nodesOf(['nobody']).catch(() => undefined));
    await presence.add('node-a', USERS);
    await presence.add(
      'node-b',
      USERS.filter((_, n) => n % 2 === 0),
    );
  });
  afterAll(async () => {
    links.onApplicationShutdown();
    await redis.stop();
  });

  test('returns the nodes of a thousand users, in the order of the request', async () => {
    const nodes = await presence.nodesOf(['nobody', ...USERS]);
    expect(nodes.map((ids) => [...(ids ?? [])].sort().join())).toEqual([
      '',
      ...USERS.map((_, n) => (n % 2 === 0 ? 'node-a,node-b' : 'node-a')),
    ]);
  });

  test('sends one request per server for all of them', async () => {
    const before = await reads(redis.url);
    await presence.nodesOf(USERS);
    const after = await reads(redis.url);
    after.forEach((count, server) =>
      expect(count - (before[server] ?? 0)).toBeLessThanOrEqual(READS_OF_ONE_TRIP),
    );
  });

  test('removes only the node’s own entries', async () => {
    await presence.remove('node-b', USERS.slice(0, 2));
    expect(await presence.nodesOf(USERS.slice(0, 3))).toEqual([
      ['node-a'],
      ['node-a'],
      expect.arrayContaining(['node-a', 'node-b']),
    ]);
  });

  test('returns what it can while part of a cluster is unavailable, and fails when all of it is', async () => {
    if (!redis.kill) return;
    await redis.kill(0);
    const partly = await eventually('part of the cluster is known to be unavailable', async () => {
      const nodes: (readonly string[] | undefined)[] = await presence.nodesOf(USERS).catch(() => []);
      return nodes.includes(undefined) && nodes.some((ids) => ids?.includes('node-a')) ? nodes : undefined;
    });
    const share = partly.filter((ids) => ids === undefined).length / USERS.length;
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.5);
    await redis.kill(1);
    await redis.kill(2);
    await eventually('every lookup fails', () =>
      presence.nodesOf(USERS).then(
        () => false,
        () => true,
      ),
    );
  });
});

/** Returns how often each server read from its connections. */
async function reads(urls: string): Promise<number[]> {
  return Promise.all(
    urls.split(',').map(async (url) => {
      const client = new Redis(url);
      const info = await client.info('stats');
      client.disconnect();
      return Number(/total_reads_processed:(\d+)/.exec(info)?.[1]);
    }),
  );
}
