/*
 * "Which nodes hold devices of these 1,000 users?", as the router asks it: in this process, against one Redis and a cluster of
 * three. Bare is the same question with a command a user, each waiting for nothing but its own answer.
 */
import { redisKeys } from '../../dist/platform/redis/keys.js';
import { PresenceStore } from '../../dist/cluster/presence.store.js';
import { readConfig } from '../../dist/platform/config/config.js';
import { RedisService } from '../../dist/platform/redis/redis.service.js';
import { noCluster, startRedisCluster } from '../../tools/databases/redis-cluster.mjs';

const { presence: presenceKey } = redisKeys('bench');
const USERS = Array.from({ length: 1_000 }, (_, n) => `bench-user-${n}`);
const LOOKS = 400;
const WARM_UP = 100;
const BAR_MS = 10;

export async function presence({ environment }) {
  const rows = await measured('one Redis', environment.REDIS_URL);
  const reason = noCluster();
  if (reason !== undefined) {
    process.stdout.write(`no cluster: ${reason} … `);
    return rows;
  }
  const cluster = await startRedisCluster();
  try {
    return [...rows, ...(await measured('a cluster of 3', cluster.url))];
  } finally {
    await cluster.stop();
  }
}

async function measured(where, REDIS_URL) {
  const config = readConfig({
    REDIS_URL,
    DATABASE_URL: 'postgres://localhost/nothing',
    AUTH_JWT_SECRET: 'nothing is verified with this secret',
  });
  const links = new RedisService(config);
  const store = new PresenceStore(links, 'bench');
  const single = links.createClient('bench');
  try {
    await there(store);
    for (const node of ['node-a', 'node-b']) await store.add(node, USERS);
    const usher = await times(() => store.nodesOf(USERS));
    const bare = await times(() => Promise.all(USERS.map((user) => single.smembers(presenceKey(user)))));
    for (const node of ['node-a', 'node-b']) await store.remove(node, USERS);
    return [0.5, 0.99].map((quantile) => {
      const [ours, theirs] = [usher, bare].map((all) => all[Math.floor(all.length * quantile)]);
      return {
        what: `${quantile === 0.5 ? 'median' : 'p99'} ms to find the nodes of 1,000 users, ${where}`,
        usher: ours,
        bare: theirs,
        ratio: ours / theirs,
        bar: `< ${BAR_MS}`,
        holds: ours < BAR_MS,
      };
    });
  } finally {
    links.onApplicationShutdown();
  }
}

async function there(store) {
  for (const deadline = Date.now() + 5_000; ;) {
    const known = await store.nodesOf(['nobody']).catch((error) => error);
    if (!(known instanceof Error)) return;
    if (Date.now() > deadline) throw known;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** In ms, the shortest first. */
async function times(look) {
  const found = [];
  for (let n = -WARM_UP; n < LOOKS; n += 1) {
    const start = performance.now();
    await look();
    if (n >= 0) found.push(performance.now() - start);
  }
  return found.sort((a, b) => a - b);
}
