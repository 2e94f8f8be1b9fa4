import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { startValkey } from '../../../tools/databases/valkey.mjs';
import { DeviceFleet } from '../../support/drivers/device-fleet.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import type { EventLog } from '../../support/event-log.js';
import { eventually } from '../../support/eventually.js';
import { type FaultProxy, faultProxy } from '../../support/infrastructure/fault-proxy.js';
import { freePort } from '../../support/infrastructure/ports.js';
import { metric } from '../../support/metric.js';
import { elapsed, report } from '../../support/report.js';

/** Few enough users for two cores. */
const USERS = 40;

let redisPort: number;
let redis: { url: string; pid: number; stop(): Promise<void> };
let proxies: FaultProxy[];
let nodes: TestUsher[];
let fleet: DeviceFleet;

beforeAll(async () => {
  redisPort = await freePort();
  redis = await startValkey({ port: redisPort });
  proxies = await Promise.all([0, 1, 2].map(() => faultProxy({ host: '127.0.0.1', port: redisPort })));
  const url = (n: number) => ({
    REDIS_URL: `redis://127.0.0.1:${(proxies[n] as FaultProxy).port}`,
    LOG_LEVEL: 'warn',
    RECOMMENDATIONS_PER_SECOND: '1',
    RECOMMENDATIONS_WINDOW_SECONDS: '3600',
  });
  const first = await startUsher(url(0));
  nodes = [first, await first.another(url(1)), await first.another(url(2))];
  fleet = new DeviceFleet(USERS, nodes);
  await fleet.start();
}, 60_000);

afterAll(async () => {
  fleet.close();
  await nodes[0]?.stop();
  for (const proxy of proxies) await proxy.close();
  await redis.stop();
});

describe('nothing durable is lost', () => {
  test('without any failure, whichever node receives an event', async () => {
    await fleet.publish(3, nodes);
    await fleet.expectConsistent();
  }, 60_000);

  test('when one node’s connection to Redis is cut for a while', async () => {
    proxies[1]?.set('cut');
    await fleet.publish(3, nodes);
    const healed = Date.now();
    proxies[1]?.set('open');
    await fleet.expectConsistent();
    report(`cut: recovered after ${elapsed(healed)}`);
  }, 60_000);

  test('when one node’s connection to Redis becomes a black hole and stays one', async () => {
    const began = Date.now();
    proxies[2]?.set('black-hole');
    await fleet.publish(3, [nodes[0] as TestUsher, nodes[1] as TestUsher]);
    await fleet.expectConsistent();
    report(`black hole: recovered after ${elapsed(began)}`);
    proxies[2]?.set('open');
    await fleet.publish(1, nodes);
    await fleet.expectConsistent();
  }, 90_000);

  test('when Redis freezes for some seconds', async () => {
    process.kill(redis.pid, 'SIGSTOP');
    const began = Date.now();
    await fleet.publish(2, nodes);
    await fleet.expectConsistent();
    report(`Redis frozen: recovered after ${elapsed(began)}`);
    process.kill(redis.pid, 'SIGCONT');
    await fleet.publish(1, nodes);
    await fleet.expectConsistent();
  }, 90_000);

  test('when Redis is killed and comes back empty', async () => {
    await redis.stop();
    await fleet.publish(2, nodes);
    redis = await startValkey({ port: redisPort });
    const healed = Date.now();
    await fleet.publish(2, nodes);
    await fleet.expectConsistent();
    report(`Redis killed: recovered after ${elapsed(healed)}`);
  }, 90_000);

  test('when the other nodes lose a node from Redis for a moment and send it nothing', async () => {
    const client = new Redis(redisPort);
    const first = nodes[0] as TestUsher;
    await eventually('the first node sees no other node', async () => {
      await client.flushall();
      return (await metric(first, 'usher_nodes')) === 0;
    });
    await fleet.publish(1, [first]);
    client.disconnect();
    await fleet.expectConsistent();
  }, 60_000);

  test('when a node is killed while events are published', async () => {
    const publishing = fleet.publish(6, nodes.slice(0, 2));
    const killed = Date.now();
    await nodes[2]?.kill('SIGKILL');
    await publishing;
    await fleet.expectConsistent();
    report(`node killed: recovered after ${elapsed(killed)}`);
  }, 90_000);
});

describe('front pages that are held back', () => {
  test('reach each device once when the node is killed that holds them back, and nothing else is held up', async () => {
    const [first, second] = nodes as [TestUsher, TestUsher];
    const crowd = Array.from({ length: 500 }, (_, n) => `crowd-${n}`);
    const userIds = [...crowd, ...Array.from({ length: USERS }, (_, n) => `u${n}`)];
    // For some seconds after the failures before, each second's look into the mailboxes tells the devices what is held back.
    let profileId = '';
    let attempts = 0;
    await eventually('both nodes hold front pages back', async () => {
      attempts += 1;
      profileId = `profile-${attempts}`;
      await second.backOffice.recommend(
        userIds.map((userId) => ({ userId, profileId, version: 1, items: [] })),
      );
      const held = await Promise.all([first, second].map((node) => metric(node, 'usher_events_held')));
      return held.every((count) => count > 0);
    });
    await second.kill('SIGKILL');
    await fleet.publish(1, [first]);
    await eventually('every device was told', () =>
      fleet.devices.every(({ eventLog }) => pagesOf(eventLog, profileId).length > 0),
    );
    for (const { eventLog } of fleet.devices) {
      expect(pagesOf(eventLog, profileId)).toHaveLength(1);
      expect(eventLog.violations).toEqual([]);
    }
  }, 90_000);
});

/** What told of the front page of that profile. */
const pagesOf = ({ applied }: EventLog, profileId: string) =>
  applied.filter(({ type, data }) => type === 'recommendations.ready' && data['profileId'] === profileId);
