import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect, type Socket } from 'node:net';
import { ConsistencyChecker } from '../../support/consistency-checker.js';
import { ReconnectingDevice } from '../../support/drivers/reconnecting-device.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { elapsed, report } from '../../support/report.js';

/** Three nodes, each stopped and replaced in turn under traffic, with a drain of 4 s instead of 20. */
const USERS = 24;
const DRAIN_SECONDS = 4;
/** How long a node may take to stop after its drain, on two busy cores. */
const LATE_MS = 5_000;

let nodes: TestUsher[];
let first: TestUsher;
let devices: ReconnectingDevice[];
let publishing: { stop(): Promise<void> } | undefined;
/** The URLs of the running nodes, as a load balancer knows them; each list starts with another node. */
const urlsByDevice: string[][] = [[], [], []];
const checker = new ConsistencyChecker();

beforeAll(async () => {
  // Owns the database, since the other nodes are stopped one by one.
  first = await startUsher({ LOG_LEVEL: 'warn', ROLES: 'worker' });
  nodes = await Promise.all([0, 1, 2].map(() => startNode()));
  for (const [n, urls] of urlsByDevice.entries())
    urls.push(...[0, 1, 2].map((step) => (nodes[(n + step) % 3] as TestUsher).url));
  devices = Array.from({ length: USERS }, (_, n) => [
    new ReconnectingDevice(`u${n}`, `u${n}-tv`, urlsByDevice[n % 3] as string[]),
    new ReconnectingDevice(`u${n}`, `u${n}-phone`, urlsByDevice[(n + 1) % 3] as string[]),
  ]).flat();
  await Promise.all(devices.map((device) => device.start()));
}, 60_000);

afterAll(async () => {
  await publishing?.stop();
  for (const device of devices) device.close();
  await first.stop();
});

const startNode = () => first.another({ ROLES: 'gateway,api', DRAIN_SECONDS: String(DRAIN_SECONDS) });

/** Publishes events for all users, one at a time for each, through all nodes, until `stop` is called. */
function publishContinuously(): { stop(): Promise<void> } {
  let going = true;
  const publishing = Promise.all(
    Array.from({ length: USERS }, async (_, n) => {
      for (let round = 0; going; round += 1) {
        const node = nodes[(n + round) % nodes.length] as TestUsher;
        await checker.publish(node.backOffice, `u${n}`, n % 2 === 0 ? 'critical' : 'important');
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

/** Opens a request whose body never ends. */
function openHangingRequest(node: TestUsher): Socket {
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

/** Stops the node and starts a new one in its place. Returns how many ms it took to stop. */
async function replace(index: number): Promise<number> {
  const old = nodes[index] as TestUsher;
  const hangingRequest = openHangingRequest(old);
  const start = Date.now();
  const stopped = old.kill('SIGTERM').then(() => Date.now() - start);
  nodes[index] = await startNode();
  for (const urls of urlsByDevice) urls[urls.indexOf(old.url)] = (nodes[index] as TestUsher).url;
  const tookMs = await stopped;
  hangingRequest.destroy();
  return tookMs;
}

test('when three nodes are replaced one after the other under traffic, nothing is lost, each stops in time, and goaways are spread over the drain', async () => {
  publishing = publishContinuously();
  const began = Date.now();
  for (const index of [0, 1, 2]) {
    const goawayCounts = devices.map(({ goaways }) => goaways.length);
    const tookMs = await replace(index);
    expect(tookMs).toBeLessThan(DRAIN_SECONDS * 1_000 + LATE_MS);
    const goaways = devices.flatMap(({ goaways }, n) => goaways.slice(goawayCounts[n]));
    report(`node ${index + 1} gone after ${tookMs} ms; ${goaways.length} devices received goaway`);
    expect(new Set(goaways.map(({ reason }) => reason))).toEqual(new Set(['drain']));
    const moments = goaways.map(({ at }) => at);
    // Spread over a good part of the drain, not all at once.
    expect(Math.max(...moments) - Math.min(...moments)).toBeGreaterThan(DRAIN_SECONDS * 300);
    await eventually(
      'every device is connected again',
      () => devices.every(({ connected }) => connected),
      20_000,
    );
  }
  await publishing.stop();
  await checker.expectConsistent(devices, 15_000);
  report(`${checker.expectedCount} events, three nodes replaced in ${elapsed(began)}`);
}, 90_000);

test('no device was disconnected in a way after which stock clients do not reconnect', () => {
  expect(devices.flatMap(({ disconnectReasons }) => disconnectReasons)).not.toContain('io server disconnect');
});
