import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ConsistencyChecker } from '../../support/consistency-checker.js';
import { ReconnectingDevice } from '../../support/drivers/reconnecting-device.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { elapsed, report } from '../../support/report.js';

/** Each worker is killed as soon as it is up and busy. */
const USERS = 20;
const KILLS = 6;
const BUSY_WITHIN_MS = 10_000;

let gateway: TestUsher;
let worker: TestUsher;
let devices: ReconnectingDevice[];
const checker = new ConsistencyChecker();

beforeAll(async () => {
  gateway = await startUsher({ ROLES: 'gateway', LOG_LEVEL: 'warn' });
  worker = await gateway.another({ ROLES: 'api,worker' });
  devices = Array.from(
    { length: USERS },
    (_, n) => new ReconnectingDevice(`u${n}`, `u${n}-tv`, [gateway.url]),
  );
  await Promise.all(devices.map((device) => device.start()));
}, 60_000);

afterAll(async () => {
  for (const device of devices) device.close();
  await gateway.stop();
});

test('when the node that accepts and sends events is killed again and again, the next one sends what it accepted, once and in order', async () => {
  let going = true;
  let rejected = 0;
  const began = Date.now();
  const publishing = Promise.all(
    devices.map(async ({ userId }, n) => {
      while (going) {
        const tier = n % 2 === 0 ? 'critical' : 'important';
        const reply = await checker.publish(worker.backOffice, userId, tier);
        if (reply?.status === 202) continue;
        rejected += 1;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }),
  );
  try {
    for (let kill = 0; kill < KILLS; kill += 1) {
      const before = checker.expectedCount;
      await eventually(
        'the new worker accepts events',
        () => checker.expectedCount > before + USERS,
        BUSY_WITHIN_MS,
      );
      await worker.kill('SIGKILL');
      worker = await gateway.another({ ROLES: 'api,worker' });
    }
  } finally {
    going = false;
    await publishing;
  }
  const last = Date.now();
  await checker.expectConsistent(devices, 15_000);
  report(
    `${KILLS} workers killed in ${last - began} ms: ${checker.expectedCount} events accepted, ${rejected} rejected; all received ${elapsed(last)} later`,
  );
  expect(devices.flatMap(({ disconnectReasons }) => disconnectReasons)).toEqual([]);
}, 90_000);
