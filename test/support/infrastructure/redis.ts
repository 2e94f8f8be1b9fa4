import { Redis } from 'ioredis';
import { noCluster, startRedisCluster } from '../../../tools/redis-cluster.mjs';
import { describeIfAvailable } from './describe-if-available.js';

/** A Redis as a node may find it. */
export interface TestRedis {
  /** For REDIS_URL. */
  readonly url: string;
  /** It forgets everything. */
  flush(): Promise<void>;
  /** It forgets its scripts, as one that was restarted. */
  forgetScripts(): Promise<void>;
  /** Ends one of a cluster's servers without a word. */
  kill?(server: number): Promise<void>;
  stop(): Promise<void>;
}

/** The same promises over each kind of Redis; a kind that this machine cannot run is skipped, and says why. */
export function describeEachRedis(promises: string, tell: (start: () => Promise<TestRedis>) => void): void {
  describeIfAvailable(undefined, `${promises} (one Redis)`, () => tell(oneServer));
  describeIfAvailable(noCluster(), `${promises} (a Redis Cluster)`, () => tell(cluster));
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
