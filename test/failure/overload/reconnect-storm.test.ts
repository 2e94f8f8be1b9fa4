import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ConsistencyChecker } from '../../support/consistency-checker.js';
import { LightweightDevice } from '../../support/drivers/lightweight-device.js';
import { mintToken, startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { elapsed, report } from '../../support/report.js';

/** Scaled from 10,000 devices to 2,000, which share two cores with three nodes; the connection rate is scaled too. */
const DEVICES = 2_000;
const PER_SECOND = 150;
const AT_ONCE = 100;

let nodes: TestUsher[];
let devices: LightweightDevice[];
const checker = new ConsistencyChecker();

beforeAll(async () => {
  const first = await startUsher({ LOG_LEVEL: 'warn', CONNECTS_PER_SECOND: String(DEVICES) });
  const paced = { CONNECTS_PER_SECOND: String(PER_SECOND) };
  nodes = [first, ...(await Promise.all([first.another(paced), first.another(paced)]))];
  const [doomed, one, other] = nodes.map(({ url }) => url) as [string, string, string];
  devices = await Promise.all(
    Array.from({ length: DEVICES }, async (_, n) => {
      const urls = n % 2 === 0 ? [doomed, one, other] : [doomed, other, one];
      return new LightweightDevice(`u${n}`, `u${n}-tv`, await mintToken(`u${n}`), urls);
    }),
  );
  for (let n = 0; n < DEVICES; n += AT_ONCE) {
    const batch = devices.slice(n, n + AT_ONCE);
    for (const device of batch) device.start();
    await eventually('the batch is connected', () => batch.every(({ connected }) => connected));
  }
}, 60_000);

afterAll(async () => {
  for (const device of devices) device.close();
  await nodes[0]?.stop();
});

/** Publishes one event for every user, a hundred per request. */
async function publishToAll(tier: 'critical' | 'important'): Promise<void> {
  for (let n = 0; n < DEVICES; n += AT_ONCE) {
    const events = devices.slice(n, n + AT_ONCE).map(({ userId }) => checker.nextEvent(userId));
    const { status } = await (nodes[1] as TestUsher).backOffice.publish(
      events.map((event) => ({ userId: event.userId, type: 'note.tracked', tier, data: event })),
    );
    if (status === 202) for (const event of events) checker.expectDelivery(event);
  }
}

async function maxEventLoopLag(): Promise<string> {
  const pages = await Promise.all(nodes.slice(1).map(({ backOffice }) => backOffice.call('GET', '/metrics')));
  const lags = pages.map(({ body }) => {
    const seconds = /^usher_nodejs_eventloop_lag_max_seconds (.+)$/m.exec(String(body.text))?.[1];
    return Math.round(Number(seconds) * 1_000);
  });
  return lags.join(' and ');
}

test('when a node with 2,000 devices dies, all reconnect to the others at a limited rate, and each receives every event of its user once', async () => {
  await publishToAll('important');
  await checker.expectConsistent(devices, 15_000);
  await maxEventLoopLag(); // each reading resets the maximum
  const killed = Date.now();
  await nodes[0]?.kill('SIGKILL');
  const publishing = publishToAll('critical');
  await eventually(
    'every device is connected again',
    () => devices.every(({ connected, welcomeCount }) => connected && welcomeCount === 2),
    40_000,
  );
  report(
    `${DEVICES} devices back after ${elapsed(killed)}; event loops late by ${await maxEventLoopLag()} ms at worst`,
  );
  await publishing;
  await checker.expectConsistent(devices, 15_000);
}, 90_000);

test('devices beyond the rate were told to retry later, each at a different time', () => {
  const refused = devices.flatMap(({ connectErrors }) => connectErrors);
  report(`${refused.length} were told to retry later`);
  // A statement that times out in the storm is `unavailable`, with a spread retry time too.
  expect(
    refused.map(({ code }) => code).filter((code) => code !== 'overload' && code !== 'unavailable'),
  ).toEqual([]);
  // All but those that the two nodes admitted at first.
  expect(refused.length).toBeGreaterThan(100);
  const waits = refused.map(({ retryAfterMs }) => retryAfterMs ?? 0).sort((a, b) => a - b);
  expect(waits[0]).toBeGreaterThanOrEqual(1_000);
  expect(waits.at(-1)).toBeLessThanOrEqual(11_000);
  const inFirstHalf = waits.filter((wait) => wait < 6_000).length / waits.length;
  expect(inFirstHalf).toBeGreaterThan(0.3);
  expect(inFirstHalf).toBeLessThan(0.7);
});
