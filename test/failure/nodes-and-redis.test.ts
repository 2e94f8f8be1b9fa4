import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { startValkey } from '../../tools/valkey.mjs';
import { Ledger } from '../support/ledger.js';
import { type FaultProxy, faultProxy } from '../support/proxy.js';
import { freePort } from '../support/ports.js';
import { report, since } from '../support/report.js';
import { SteadyDevice } from '../support/steady-device.js';
import { startUsher, type TestUsher } from '../support/usher.js';

/** RELIABILITY: F1, F3, F4, F5. Users and rates are scaled to two cores; the promises are not. */
const USERS = 40;
const RECOVERY_MS = 20_000;

let redisPort: number;
let redis: { url: string; pid: number; stop(): Promise<void> };
let wires: FaultProxy[];
let nodes: TestUsher[];
let devices: SteadyDevice[];
const ledger = new Ledger();

beforeAll(async () => {
  redisPort = await freePort();
  redis = await startValkey({ port: redisPort });
  wires = await Promise.all([0, 1, 2].map(() => faultProxy({ host: '127.0.0.1', port: redisPort })));
  const url = (n: number) => ({
    REDIS_URL: `redis://127.0.0.1:${(wires[n] as FaultProxy).port}`,
    LOG_LEVEL: 'warn',
  });
  const first = await startUsher(url(0));
  nodes = [first, await first.another(url(1)), await first.another(url(2))];
  const urls = nodes.map((node) => node.url);
  devices = Array.from({ length: USERS }, (_, n) => {
    const order = [0, 1, 2].map((step) => urls[(n + step) % 3] as string);
    return [
      new SteadyDevice(`u${n}`, `u${n}-tv`, order),
      new SteadyDevice(`u${n}`, `u${n}-phone`, [...order].reverse()),
    ];
  }).flat();
  await Promise.all(devices.map((device) => device.start()));
});

afterAll(async () => {
  for (const device of devices) device.close();
  await nodes[0]?.stop();
  for (const wire of wires) await wire.close();
  await redis.stop();
});

/** Publishes to every user through the given nodes, whatever becomes of it. */
async function publishAll(rounds: number, doors: readonly TestUsher[]): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await Promise.all(
      Array.from({ length: USERS }, async (_, n) => {
        const door = doors[n % doors.length] as TestUsher;
        await ledger.publish(door.backOffice, `u${n}`, n % 2 === 0 ? 'critical' : 'important');
      }),
    );
  }
}

const allArrived = () => ledger.settles(devices, RECOVERY_MS);

describe('nothing durable is lost', () => {
  test('when all is well, whichever node an event comes in by', async () => {
    await publishAll(3, nodes);
    await allArrived();
  }, 60_000);

  test('when one node’s link to Redis is cut for a while (F5)', async () => {
    wires[1]?.set('cut');
    await publishAll(3, nodes);
    const healed = Date.now();
    wires[1]?.set('open');
    await allArrived();
    report(`cut: recovered after ${since(healed)}`);
  }, 60_000);

  test('when one node’s link to Redis goes silent without a word and stays so (F5)', async () => {
    const began = Date.now();
    wires[2]?.set('black-hole');
    await publishAll(3, [nodes[0] as TestUsher, nodes[1] as TestUsher]);
    await allArrived();
    report(`black hole, not healed: recovered after ${since(began)}`);
    wires[2]?.set('open');
    await publishAll(1, nodes);
    await allArrived();
  }, 90_000);

  test('when Redis stands still for some seconds (F4)', async () => {
    process.kill(redis.pid, 'SIGSTOP');
    const began = Date.now();
    await publishAll(2, nodes);
    await allArrived();
    report(`Redis stopped, not continued: recovered after ${since(began)}`);
    process.kill(redis.pid, 'SIGCONT');
    await publishAll(1, nodes);
    await allArrived();
  }, 90_000);

  test('when Redis is killed and comes back empty (F3)', async () => {
    await redis.stop();
    await publishAll(2, nodes);
    redis = await startValkey({ port: redisPort });
    const healed = Date.now();
    await publishAll(2, nodes);
    await allArrived();
    report(`Redis killed: recovered after ${since(healed)}`);
  }, 90_000);

  test('when a node is killed in the midst of it (F1)', async () => {
    const publishing = publishAll(6, nodes.slice(0, 2));
    const killed = Date.now();
    await nodes[2]?.kill('SIGKILL');
    await publishing;
    await allArrived();
    report(`node killed: recovered after ${since(killed)}`);
  }, 90_000);
});
