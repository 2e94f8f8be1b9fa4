import { Redis } from 'ioredis';
import type { Config } from '../../../../src/platform/config/config.js';
import { createCluster, type RedisClient } from '../../../../src/platform/redis/redis-cluster.js';
import { CONNECTION_OPTIONS } from '../../../../src/platform/redis/redis-options.js';
import { sentinelOptions } from '../../../../src/platform/redis/redis-sentinel.js';
import { withTimeout } from '../../../../src/platform/scheduling/timeout.js';
import { type Check, CHECK_TIMEOUT_MS, checkClock, fail, ok, reasonOf } from './check.js';

/** Connects to Redis as the server does: to one server, to the master that Sentinels name, or to a cluster. */
export async function checkRedis(urls: Config['REDIS_URL']): Promise<Check[]> {
  const client = connect(urls);
  let lastError: unknown;
  client.on('error', (error: unknown) => (lastError = error)); // ioredis reports each attempt
  const startedAt = Date.now();
  try {
    await withTimeout(CHECK_TIMEOUT_MS, ready(client));
    return await ask(client, Date.now() - startedAt);
  } catch (error) {
    return [
      fail(
        'Redis',
        `cannot be reached: ${reasonOf(lastError ?? error)}`,
        'Check REDIS_URL. Nodes work without it, but every event waits for a sweep.',
      ),
    ];
  } finally {
    client.disconnect();
  }
}

function connect(urls: Config['REDIS_URL']): RedisClient {
  const options = { ...CONNECTION_OPTIONS, connectionName: 'usher-doctor' };
  if (urls.length > 1) return createCluster(urls, options);
  const once = { ...options, retryStrategy: () => null };
  const sentinel = sentinelOptions(urls[0]);
  return sentinel
    ? new Redis({ ...once, ...sentinel, sentinelRetryStrategy: () => null })
    : new Redis(urls[0], once);
}

function ready(client: RedisClient): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once('ready', () => resolve());
    client.once('end', () => reject(new Error('the connection ended')));
  });
}

async function ask(client: RedisClient, connectMs: number): Promise<Check[]> {
  const before = Date.now();
  const [seconds, micros] = (await client.time()).map(Number) as [number, number];
  const after = Date.now();
  return [
    ok('Redis', `connected in ${connectMs} ms, answers in ${after - before} ms`),
    checkClock("Redis' clock", seconds * 1_000 + micros / 1_000, before, after),
  ];
}
