import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readConfig } from '../../src/platform/config/config.js';
import { RedisLinks } from '../../src/platform/redis.js';
import { reserveFor } from '../../src/push/budget.js';
import { BudgetStore } from '../../src/push/budget.store.js';
import { eventually } from '../support/eventually.js';
import { describeEachRedis, type TestRedis } from '../support/infrastructure/redis.js';

/** So slow that nothing comes back while a test runs. */
const BUDGET = { perSecond: 0.001, burst: 10 };

describeEachRedis('push budgets', (start) => {
  let redis: TestRedis;
  let links: RedisLinks;
  let budgets: BudgetStore;
  const take = async (name: string, wanted: number, reserve = 0) =>
    (await budgets.take(name, BUDGET, wanted, reserve)).granted;
  beforeAll(async () => {
    redis = await start();
    const config = readConfig({
      DATABASE_URL: 'postgres://localhost/nothing',
      REDIS_URL: redis.url,
      AUTH_JWT_SECRET: 'nothing is verified with this secret',
    });
    links = new RedisLinks(config);
    budgets = new BudgetStore(links, `budget-${randomUUID()}`);
    await eventually('Redis is there', () => take('there', 1).catch(() => undefined));
  });
  afterAll(async () => {
    links.onApplicationShutdown();
    await redis.stop();
  });

  test('keep a fifth of a full bucket for critical pushes', async () => {
    expect(await take('campaign', 100, reserveFor('important', BUDGET))).toBe(8);
    expect(await take('campaign', 100, reserveFor('important', BUDGET))).toBe(0);
    expect(await take('campaign', 100, reserveFor('critical', BUDGET))).toBe(2);
  });

  test('take back what was not used, and never hold more than they may', async () => {
    expect(await take('unused', 10)).toBe(10);
    await take('unused', -4);
    expect(await take('unused', 10)).toBe(4);
    await take('unused', -100);
    expect(await take('unused', 100)).toBe(10);
  });

  test('of many devices are asked together; one that had its share waits, and is told how long', async () => {
    const once = { perSecond: 2 / 3_600, burst: 1 };
    expect((await budgets.takeEach(['a', 'b'], once)).map(({ granted }) => granted)).toEqual([1, 1]);
    const [first, other] = await budgets.takeEach(['a', 'c'], once);
    expect(other?.granted).toBe(1);
    expect(first?.granted).toBe(0);
    expect(first?.waitMs).toBeGreaterThan(29 * 60_000);
    expect(first?.waitMs).toBeLessThanOrEqual(30 * 60_000);
  });

  test('of devices are known to a server that forgot the script, as one does that was restarted', async () => {
    const once = { perSecond: 2 / 3_600, burst: 1 };
    await budgets.takeEach(['d'], once);
    await redis.forgetScripts();
    expect((await budgets.takeEach(['d', 'e'], once)).map(({ granted }) => granted)).toEqual([0, 1]);
  });

  test('that are asked by many at once are never overdrawn', async () => {
    const grants = await Promise.all(Array.from({ length: 20 }, () => take('shared', 3)));
    expect(grants.reduce((sum, granted) => sum + granted, 0)).toBe(10);
  });
});
