import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import {
  type ClusterServer,
  noCluster,
  type RedisCluster,
  startRedisCluster,
} from '../../../tools/databases/redis-cluster.mjs';
import { DeviceFleet } from '../../support/drivers/device-fleet.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { describeIfAvailable } from '../../support/infrastructure/describe-if-available.js';
import { elapsed, report } from '../../support/report.js';

const USERS = 20;
const MASTERS = 3;
const HEALS_WITHIN_MS = 20_000;
const reason = noCluster();

let cluster: RedisCluster;
let nodes: TestUsher[];
let fleet: DeviceFleet;

beforeAll(async () => {
  if (reason !== undefined) return;
  cluster = await startRedisCluster({ masters: MASTERS, replicas: MASTERS });
  // Any servers of the cluster are enough to find the others.
  const REDIS_URL = cluster.url.split(',').slice(0, 2).join(',');
  const first = await startUsher({ REDIS_URL, LOG_LEVEL: 'warn' });
  nodes = [first, await first.another()];
  fleet = new DeviceFleet(USERS, nodes);
  await fleet.start();
}, 60_000);

afterAll(async () => {
  if (reason !== undefined) return;
  fleet.close();
  await nodes[0]?.stop();
  await cluster.stop();
});

const server = (n: number) => cluster.servers[n] as ClusterServer;

/** Sends a command to one server of the cluster. Returns its reply. */
async function sendCommand(n: number, ...command: [string, ...string[]]): Promise<string> {
  const redis = new Redis(server(n).port);
  try {
    return String(await redis.call(...command));
  } finally {
    redis.disconnect();
  }
}

const isMaster = async (n: number) => (await sendCommand(n, 'ROLE')).startsWith('master');

/** Routine events are sent at once or never, so they show that both nodes reach each other for users of every hash slot range. */
async function waitUntilRoutineEventsPass(): Promise<void> {
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
          `${userId} receives the event from the other node`,
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

const tests = () => {
  test('without any failure', async () => {
    await fleet.publish(3, nodes);
    await fleet.expectConsistent();
    await waitUntilRoutineEventsPass();
  }, 60_000);

  test('when each master in turn fails over to its replica', async () => {
    for (let n = 0; n < MASTERS; n += 1) {
      await sendCommand(n + MASTERS, 'CLUSTER', 'FAILOVER');
      await fleet.publish(2, nodes);
      await eventually('the replica is the master', () => isMaster(n + MASTERS));
    }
    const handedOver = Date.now();
    await fleet.expectConsistent();
    await waitUntilRoutineEventsPass();
    report(`handed over: recovered after ${elapsed(handedOver)}`);
    // The server announced that the channel moved; a silent connection would only be noticed after seven seconds.
    expect(Date.now() - handedOver).toBeLessThan(6_000);
  }, 90_000);

  test('when each master in turn is killed and its replica takes over', async () => {
    for (let n = 0; n < MASTERS; n += 1) {
      await server(n + MASTERS).kill('SIGKILL');
      const killed = Date.now();
      await fleet.publish(2, nodes);
      await fleet.expectConsistent();
      report(`master killed: recovered after ${elapsed(killed)}`);
      await eventually('the replica is the master', () => isMaster(n), HEALS_WITHIN_MS);
    }
    await waitUntilRoutineEventsPass();
  }, 90_000);

  test('when a master without a replica is killed and comes back empty', async () => {
    for (let n = 0; n < MASTERS; n += 1) {
      await server(n).kill('SIGKILL');
      const killed = Date.now();
      await fleet.publish(2, nodes);
      await fleet.expectConsistent();
      report(`part of the cluster away: recovered after ${elapsed(killed)}`);
      await server(n).start();
    }
    const back = Date.now();
    await waitUntilRoutineEventsPass();
    report(`back: recovered after ${elapsed(back)}`);
    await fleet.publish(1, nodes);
    await fleet.expectConsistent();
  }, 120_000);
};

const title = 'nothing durable is lost and everything recovers by itself, with a Redis Cluster';
describeIfAvailable(reason, title, tests);
