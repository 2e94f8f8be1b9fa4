import { Redis } from 'ioredis';
import { noCluster, startRedisCluster } from '../../../tools/databases/redis-cluster.mjs';
import { describeIfAvailable } from './describe-if-available.js';

/** One Redis server or a Redis Cluster. */
export interface TestRedis {
  /** The value of REDIS_URL. */
  readonly url: string;
  /** Deletes all data. */
  flush(): Promise<void>;
  /** Deletes the cached scripts, as a restart does. */
  forgetScripts(): Promise<void>;
  /** Kills one server of a cluster. */
  kill?(server: number): Promise<void>;
  stop(): Promise<void>;
}

/** Describes the same tests with one Redis and with a Redis Cluster; skips a kind that this machine cannot run. */
export function describeEachRedis(
  title: string,
  defineTests: (start: () => Promise<TestRedis>) => void,
): void {
  describeIfAvailable(undefined, `${title} (one Redis)`, () => defineTests(oneServer));
  describeIfAvailable(noCluster(), `${title} (a Redis Cluster)`, () => defineTests(cluster));
}

const oneServer = (): Promise<TestRedis> => {
  const url = process.env.REDIS_URL ?? '';
  const forgetScripts = () => onServer(url, (redis) => redis.script('FLUSH'));
  return Promise.resolve({ url, flush: () => flushed(url), forgetScripts, stop: () => Promise.resolve() });
};

async function cluster(): Promise<TestRedis> {
  const { url, servers, stop } = await startRedisCluster();
  const flush = async () => {
    for (const { port } of servers) await flushed(`redis://127.0.0.1:${port}`);
  };
  const forgetScripts = async () => {
    for (const { port } of servers)
      await onServer(`redis://127.0.0.1:${port}`, (redis) => redis.script('FLUSH'));
  };
  const kill = async (n: number) => servers[n]?.kill('SIGKILL');
  return { url, flush, forgetScripts, kill, stop };
}

const flushed = (url: string): Promise<void> => onServer(url, (redis) => redis.flushall());

async function onServer(url: string, act: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = new Redis(url);
  await act(redis);
  redis.disconnect();
}
