import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { RedisService } from '../../../src/platform/redis/redis.service.js';
import { reserveFor } from '../../../src/platform/budgets/budget.js';
import { BudgetStore } from '../../../src/platform/budgets/budget.store.js';
import { testConfig } from '../../support/config.js';
import { eventually } from '../../support/eventually.js';
import { describeEachRedis, type TestRedis } from '../../support/infrastructure/redis.js';

/** So slow that no token is refilled while a test runs. */
const BUDGET = { perSecond: 0.001, burst: 10 };

describeEachRedis('the push rate limiter', (start) => {
  let redis: TestRedis;
  let links: RedisService;
  let budgets: BudgetStore;
  const take = async (name: string, wanted: number, reserve = 0) =>
    (await budgets.take(name, BUDGET, wanted, reserve)).granted;
  beforeAll(async () => {
    redis = await start();
    links = new RedisService(testConfig({ REDIS_URL: redis.url }));
    budgets = new BudgetStore(links, `budget-${randomUUID()}`);
    await eventually('Redis is reachable', () => take('there', 1).catch(() => undefined));
  });
  afterAll(async () => {
    links.onApplicationShutdown();
    await redis.stop();
  });

  test('reserves a fifth of the bucket for critical pushes', async () => {
    expect(await take('campaign', 100, reserveFor('important', BUDGET))).toBe(8);
    expect(await take('campaign', 100, reserveFor('important', BUDGET))).toBe(0);
    expect(await take('campaign', 100, reserveFor('critical', BUDGET))).toBe(2);
  });

  test('takes unused tokens back and never exceeds the bucket’s size', async () => {
    expect(await take('unused', 10)).toBe(10);
    await take('unused', -4);
    expect(await take('unused', 10)).toBe(4);
    await take('unused', -100);
    expect(await take('unused', 100)).toBe(10);
  });

  test('limits many devices in one request and returns how long a limited device must wait', async () => {
    const once = { perSecond: 2 / 3_600, burst: 1 };
    expect((await budgets.takeEach(['a', 'b'], once)).map(({ granted }) => granted)).toEqual([1, 1]);
    const [first, other] = await budgets.takeEach(['a', 'c'], once);
    expect(other?.granted).toBe(1);
    expect(first?.granted).toBe(0);
    expect(first?.waitMs).toBeGreaterThan(29 * 60_000);
    expect(first?.waitMs).toBeLessThanOrEqual(30 * 60_000);
  });

  test('works on a Redis server that lost its cached scripts, as after a restart', async () => {
    const once = { perSecond: 2 / 3_600, burst: 1 };
    await budgets.takeEach(['d'], once);
    await redis.forgetScripts();
    expect((await budgets.takeEach(['d', 'e'], once)).map(({ granted }) => granted)).toEqual([0, 1]);
  });

  test('never grants more than the bucket holds to concurrent callers', async () => {
    const grants = await Promise.all(Array.from({ length: 20 }, () => take('shared', 3)));
    expect(grants.reduce((sum, granted) => sum + granted, 0)).toBe(10);
  });
});
