import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  type ClusterServer,
  noCluster,
  type RedisCluster,
  startRedisCluster,
} from '../../tools/redis-cluster.mjs';
import { Redis } from 'ioredis';
import { DeviceFleet } from '../support/drivers/device-fleet.js';
import { eventually } from '../support/eventually.js';
import { report, elapsed } from '../support/report.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';
import { describeIfAvailable } from '../support/infrastructure/describe-if-available.js';

const USERS = 20;
const MASTERS = 3;
const HEALS_WITHIN_MS = 20_000;
const reason = noCluster();

let cluster: RedisCluster;
let nodes: TestUsher[];
let crowd: DeviceFleet;

beforeAll(async () => {
  if (reason !== undefined) return;
  cluster = await startRedisCluster({ masters: MASTERS, replicas: MASTERS });
  // Any servers of the cluster lead to the others.
  const REDIS_URL = cluster.url.split(',').slice(0, 2).join(',');
  const first = await startUsher({ REDIS_URL, LOG_LEVEL: 'warn' });
  nodes = [first, await first.another()];
  crowd = new DeviceFleet(USERS, nodes);
  await crowd.start();
}, 60_000);

afterAll(async () => {
  if (reason !== undefined) return;
  crowd.close();
  await nodes[0]?.stop();
  await cluster.stop();
});

const server = (n: number) => cluster.servers[n] as ClusterServer;

/** Says something to a server of the cluster. */
async function ask(n: number, ...command: [string, ...string[]]): Promise<string> {
  const redis = new Redis(server(n).port);
  try {
    return String(await redis.call(...command));
  } finally {
    redis.disconnect();
  }
}

const isMaster = async (n: number) => (await ask(n, 'ROLE')).startsWith('master');

/** Routine events are told at once or never: both nodes hear each other again, for users of every part of the cluster. */
async function healed(): Promise<void> {
  const [a, b] = nodes as [TestUsher, TestUsher];
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    await Promise.all(
      Array.from({ length: 12 }, async (_, n) => {
        const userId = `routine-${to === a ? 'a' : 'b'}-${n}`;
        const device = await to.device(userId, `${userId}-tv`);
        await eventually(
          `${userId} is told by the other node`,
          async () => {
            await from.backOffice.publish([{ userId, type: 'note.routine', tier: 'routine', data: {} }]);
            return device.envelopes('note.routine').length > 0;
          },
          HEALS_WITHIN_MS,
        );
        device.close();
      }),
    );
  }
}

const promises = () => {
  test('without any failure', async () => {
    await crowd.publish(3, nodes);
    await crowd.expectConsistent();
    await healed();
  }, 60_000);

  test('when each master in turn fails over to its replica', async () => {
    for (let n = 0; n < MASTERS; n += 1) {
      await ask(n + MASTERS, 'CLUSTER', 'FAILOVER');
      await crowd.publish(2, nodes);
      await eventually('the replica is the master', () => isMaster(n + MASTERS));
    }
    const handedOver = Date.now();
    await crowd.expectConsistent();
    await healed();
    report(`handed over: recovered after ${elapsed(handedOver)}`);
    // The server said that the channel moved; a silence would be noticed after seven seconds only.
    expect(Date.now() - handedOver).toBeLessThan(6_000);
  }, 90_000);

  test('when each master in turn is killed and its replica takes over', async () => {
    for (let n = 0; n < MASTERS; n += 1) {
      await server(n + MASTERS).kill('SIGKILL');
      const killed = Date.now();
      await crowd.publish(2, nodes);
      await crowd.expectConsistent();
      report(`master killed: recovered after ${elapsed(killed)}`);
      await eventually('the replica is the master', () => isMaster(n), HEALS_WITHIN_MS);
    }
    await healed();
  }, 90_000);

  test('when a master without a replica is killed and comes back empty', async () => {
    for (let n = 0; n < MASTERS; n += 1) {
      await server(n).kill('SIGKILL');
      const killed = Date.now();
      await crowd.publish(2, nodes);
      await crowd.expectConsistent();
      report(`part of the cluster away: recovered after ${elapsed(killed)}`);
      await server(n).start();
    }
    const back = Date.now();
    await healed();
    report(`back: recovered after ${elapsed(back)}`);
    await crowd.publish(1, nodes);
    await crowd.expectConsistent();
  }, 120_000);
};

const title = 'nothing durable is lost and everything recovers by itself, with a Redis Cluster';
describeIfAvailable(reason, title, promises);
