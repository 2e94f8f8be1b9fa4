import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { ConsistencyChecker } from '../support/consistency-checker.js';
import { report, elapsed } from '../support/report.js';
import { ReconnectingDevice } from '../support/drivers/reconnecting-device.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';

/** RELIABILITY: S4. Three nodes, each stopped and replaced in its turn under traffic; a drain of 4 s instead of 20. */
const USERS = 24;
const DRAIN_SECONDS = 4;
/** What a node may need after its drain, on two busy cores. */
const LATE_MS = 5_000;

let nodes: TestUsher[];
let first: TestUsher;
let devices: ReconnectingDevice[];
let events: { stop(): Promise<void> } | undefined;
/** Where devices find a node, as a load balancer would know it: everyone begins somewhere else. */
const doors: string[][] = [[], [], []];
const checker = new ConsistencyChecker();

beforeAll(async () => {
  // Stays in the background: the others are stopped one by one, and it holds their database.
  first = await startUsher({ LOG_LEVEL: 'warn', ROLES: 'worker' });
  nodes = await Promise.all([0, 1, 2].map(() => fresh()));
  for (const [n, urls] of doors.entries())
    urls.push(...[0, 1, 2].map((step) => (nodes[(n + step) % 3] as TestUsher).url));
  devices = Array.from({ length: USERS }, (_, n) => [
    new ReconnectingDevice(`u${n}`, `u${n}-tv`, doors[n % 3] as string[]),
    new ReconnectingDevice(`u${n}`, `u${n}-phone`, doors[(n + 1) % 3] as string[]),
  ]).flat();
  await Promise.all(devices.map((device) => device.start()));
}, 60_000);

afterAll(async () => {
  await events?.stop();
  for (const device of devices) device.close();
  await first.stop();
});

const fresh = () => first.another({ ROLES: 'gateway,api', DRAIN_SECONDS: String(DRAIN_SECONDS) });

/** Events for all users, one after the other for each, through whichever node is there, until told to stop. */
function traffic(): { stop(): Promise<void> } {
  let going = true;
  const publishing = Promise.all(
    Array.from({ length: USERS }, async (_, n) => {
      for (let round = 0; going; round += 1) {
        const door = nodes[(n + round) % nodes.length] as TestUsher;
        await checker.publish(door.backOffice, `u${n}`, n % 2 === 0 ? 'critical' : 'important');
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }),
  );
  return {
    async stop() {
      going = false;
      await publishing;
    },
  };
}

/** A request whose body never ends: its handler hangs. */
function hang(node: TestUsher): Socket {
  const { hostname, port } = new URL(node.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  const head = [
    'POST /v1/webhooks/stripe HTTP/1.1',
    `Host: ${hostname}`,
    'Content-Type: application/json',
    'Content-Length: 1000',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n{"id":`);
  return socket;
}

/** Stops the node and puts a new one in its place; answers how long it took to go. */
async function replace(index: number): Promise<number> {
  const old = nodes[index] as TestUsher;
  const hung = hang(old);
  const start = Date.now();
  const gone = old.kill('SIGTERM').then(() => Date.now() - start);
  nodes[index] = await fresh();
  for (const urls of doors) urls[urls.indexOf(old.url)] = (nodes[index] as TestUsher).url;
  const tookMs = await gone;
  hung.destroy();
  return tookMs;
}

test('when three nodes are replaced one after the other under traffic, nothing is lost, each stops in time, and goaways are spread over the drain', async () => {
  events = traffic();
  const began = Date.now();
  for (const index of [0, 1, 2]) {
    const told = devices.map(({ goaways: toldToGo }) => toldToGo.length);
    const tookMs = await replace(index);
    expect(tookMs).toBeLessThan(DRAIN_SECONDS * 1_000 + LATE_MS);
    const goaways = devices.flatMap(({ goaways: toldToGo }, n) => toldToGo.slice(told[n]));
    report(`node ${index + 1} gone after ${tookMs} ms; ${goaways.length} devices sent elsewhere`);
    expect(new Set(goaways.map(({ reason }) => reason))).toEqual(new Set(['drain']));
    const moments = goaways.map(({ at }) => at);
    // Not all at once: over a good part of the time that there is.
    expect(Math.max(...moments) - Math.min(...moments)).toBeGreaterThan(DRAIN_SECONDS * 300);
    await eventually('every device is back', () => devices.every(({ connected }) => connected), 20_000);
  }
  await events.stop();
  await checker.expectConsistent(devices, 15_000);
  report(`${checker.expectedCount} events, three nodes replaced in ${elapsed(began)}`);
}, 90_000);

test('no device was disconnected in a way after which stock clients do not reconnect', () => {
  expect(devices.flatMap(({ disconnectReasons: endings }) => endings)).not.toContain('io server disconnect');
});
