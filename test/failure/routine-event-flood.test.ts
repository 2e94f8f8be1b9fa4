import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Device } from '../support/drivers/device.js';
import { eventually } from '../support/eventually.js';
import { ConsistencyChecker } from '../support/consistency-checker.js';
import { LightweightDevice } from '../support/drivers/lightweight-device.js';
import { report, elapsed } from '../support/report.js';
import { ReconnectingDevice } from '../support/drivers/reconnecting-device.js';
import { mintToken, startUsher, type TestUsher } from '../support/drivers/usher.js';

/**
 * RELIABILITY: O1. More routine events than two cores can write, for 5 s instead of a minute; the flood takes all that it is
 * given, so it is always beyond capacity. Critical and important events go on beside it.
 */
const CROWD = 400;
const FLOOD_MS = 5_000;
const AT_ONCE = 6;
const HEARTBEAT_SECONDS = 60;
const URGENT = 10;
const RECOVERY_MS = 15_000;

let usher: TestUsher;
let crowd: LightweightDevice[];
let devices: ReconnectingDevice[];
let probe: Device;
const checker = new ConsistencyChecker();

beforeAll(async () => {
  usher = await startUsher({ LOG_LEVEL: 'warn', HEARTBEAT_SECONDS: String(HEARTBEAT_SECONDS) });
  crowd = await Promise.all(
    Array.from({ length: CROWD }, async (_, n) => {
      const userId = `crowd${n % (CROWD / 4)}`;
      return new LightweightDevice(userId, `crowd-${n}`, await mintToken(userId), [usher.url]);
    }),
  );
  for (const device of crowd) device.start();
  devices = Array.from(
    { length: URGENT },
    (_, n) => new ReconnectingDevice(`u${n}`, `u${n}-tv`, [usher.url]),
  );
  await Promise.all(devices.map((device) => device.start()));
  await eventually('the crowd is in', () => crowd.every(({ connected }) => connected));
  probe = await usher.device('probe', 'probe-tv');
}, 60_000);

afterAll(async () => {
  for (const device of [...crowd, ...devices]) device.close();
  await usher.stop();
});

/** Routine events for the crowd, as fast as they are taken; answers the statuses. */
async function flood(until: number): Promise<number[]> {
  const events = Array.from({ length: CROWD / 4 }, (_, n) => ({
    userId: `crowd${n}`,
    type: 'note.routine',
    tier: 'routine',
    data: { pad: 'x'.repeat(2_000) },
  }));
  const statuses: number[] = [];
  while (Date.now() < until) statuses.push((await usher.backOffice.publish(events)).status);
  return statuses;
}

/** Beats a few times a second; answers what it was asked to wait for each time. */
async function beats(until: number): Promise<number[]> {
  const asked: number[] = [];
  while (Date.now() < until) {
    asked.push((await probe.heartbeat({ positionSeconds: 600 + asked.length })).nextSeconds ?? 0);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return asked;
}

/** One event after the other for each user; answers how long the door took. */
async function urgent(until: number, tier: 'critical' | 'important'): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; Date.now() < until; n += 1) {
    const start = Date.now();
    // Each tier has users of its own, so that two publishes of one user never overlap.
    const userId = `u${(n % (URGENT / 2)) * 2 + (tier === 'critical' ? 0 : 1)}`;
    expect((await checker.publish(usher.backOffice, userId, tier))?.status).toBe(202);
    took.push(Date.now() - start);
  }
  return took.sort((a, b) => a - b);
}

test('a flood of routine events loses no durable event and no device, and afterwards the heartbeat interval is normal again', async () => {
  const until = Date.now() + FLOOD_MS;
  const [critical, important, asked, ...floods] = await Promise.all([
    urgent(until, 'critical'),
    urgent(until, 'important'),
    beats(until),
    ...Array.from({ length: AT_ONCE }, () => flood(until)),
  ]);
  const ebbed = Date.now();
  const calls = floods.flat();
  const p99 = (sorted: number[]) => sorted[Math.floor(sorted.length * 0.99)] ?? 0;
  report(
    `${calls.length * CROWD} routine frames; critical p99 ${p99(critical)} ms of ${critical.length}, important ${p99(important)} ms of ${important.length}; beats asked for ${Math.max(...asked)} s`,
  );
  expect(calls.filter((status) => status !== 202 && status !== 503 && status !== 429)).toEqual([]);
  await checker.expectConsistent(devices, RECOVERY_MS);
  await eventually(
    'beats are a minute apart again',
    async () => (await probe.heartbeat({})).nextSeconds === HEARTBEAT_SECONDS,
    RECOVERY_MS,
  );
  report(`recovered ${elapsed(ebbed)} after the flood`);
  expect([...devices.flatMap(({ disconnectReasons: endings }) => endings)]).toEqual([]);
}, 60_000);
