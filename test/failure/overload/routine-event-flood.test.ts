import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ConsistencyChecker } from '../../support/consistency-checker.js';
import type { Device } from '../../support/drivers/device.js';
import { LightweightDevice } from '../../support/drivers/lightweight-device.js';
import { ReconnectingDevice } from '../../support/drivers/reconnecting-device.js';
import { mintToken, startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { elapsed, report } from '../../support/report.js';

/**
 * More routine events than two cores can send, for 5 s: the flood publishes as fast as the node accepts, so it is always beyond
 * the node's capacity. Critical and important events are published at the same time.
 */
const LISTENERS = 400;
const FLOOD_MS = 5_000;
const AT_ONCE = 6;
const HEARTBEAT_SECONDS = 60;
const URGENT = 10;
const RECOVERY_MS = 15_000;

let usher: TestUsher;
let listeners: LightweightDevice[];
let devices: ReconnectingDevice[];
let probe: Device;
const checker = new ConsistencyChecker();

beforeAll(async () => {
  usher = await startUsher({ LOG_LEVEL: 'warn', HEARTBEAT_SECONDS: String(HEARTBEAT_SECONDS) });
  listeners = await Promise.all(
    Array.from({ length: LISTENERS }, async (_, n) => {
      const userId = `listener${n % (LISTENERS / 4)}`;
      return new LightweightDevice(userId, `listener-${n}`, await mintToken(userId), [usher.url]);
    }),
  );
  for (const device of listeners) device.start();
  devices = Array.from(
    { length: URGENT },
    (_, n) => new ReconnectingDevice(`u${n}`, `u${n}-tv`, [usher.url]),
  );
  await Promise.all(devices.map((device) => device.start()));
  await eventually('every listener is connected', () => listeners.every(({ connected }) => connected));
  probe = await usher.device('probe', 'probe-tv');
}, 60_000);

afterAll(async () => {
  for (const device of [...listeners, ...devices]) device.close();
  await usher.stop();
});

/** Publishes routine events for the listeners as fast as possible. Returns the statuses. */
async function flood(until: number): Promise<number[]> {
  const events = Array.from({ length: LISTENERS / 4 }, (_, n) => ({
    userId: `listener${n}`,
    type: 'note.routine',
    tier: 'routine',
    data: { pad: 'x'.repeat(2_000) },
  }));
  const statuses: number[] = [];
  while (Date.now() < until) statuses.push((await usher.backOffice.publish(events)).status);
  return statuses;
}

/** Sends four heartbeats a second. Returns the interval, in seconds, that each reply asks for. */
async function sendHeartbeats(until: number): Promise<number[]> {
  const intervals: number[] = [];
  while (Date.now() < until) {
    intervals.push((await probe.heartbeat({ positionSeconds: 600 + intervals.length })).nextSeconds ?? 0);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return intervals;
}

/** Publishes one event after the other. Returns how many ms each request took, sorted. */
async function publishOneByOne(until: number, tier: 'critical' | 'important'): Promise<number[]> {
  const durations: number[] = [];
  for (let n = 0; Date.now() < until; n += 1) {
    const start = Date.now();
    // Each tier has its own users, so that two publishes of one user never overlap.
    const userId = `u${(n % (URGENT / 2)) * 2 + (tier === 'critical' ? 0 : 1)}`;
    expect((await checker.publish(usher.backOffice, userId, tier))?.status).toBe(202);
    durations.push(Date.now() - start);
  }
  return durations.sort((a, b) => a - b);
}

test('a flood of routine events loses no durable event and no device, and afterwards the heartbeat interval is normal again', async () => {
  const until = Date.now() + FLOOD_MS;
  const [critical, important, intervals, ...floods] = await Promise.all([
    publishOneByOne(until, 'critical'),
    publishOneByOne(until, 'important'),
    sendHeartbeats(until),
    ...Array.from({ length: AT_ONCE }, () => flood(until)),
  ]);
  const floodEnded = Date.now();
  const statuses = floods.flat();
  const p99 = (sorted: number[]) => sorted[Math.floor(sorted.length * 0.99)] ?? 0;
  report(
    `${statuses.length * LISTENERS} routine frames; critical p99 ${p99(critical)} ms of ${critical.length}, important ${p99(important)} ms of ${important.length}; heartbeat interval up to ${Math.max(...intervals)} s`,
  );
  expect(statuses.filter((status) => status !== 202 && status !== 503 && status !== 429)).toEqual([]);
  await checker.expectConsistent(devices, RECOVERY_MS);
  await eventually(
    'the heartbeat interval is a minute again',
    async () => (await probe.heartbeat({})).nextSeconds === HEARTBEAT_SECONDS,
    RECOVERY_MS,
  );
  report(`recovered ${elapsed(floodEnded)} after the flood`);
  expect([...devices.flatMap(({ disconnectReasons }) => disconnectReasons)]).toEqual([]);
}, 60_000);
