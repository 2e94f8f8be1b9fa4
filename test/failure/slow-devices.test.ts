import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { ConsistencyChecker } from '../support/consistency-checker.js';
import { openRawDevice, type RawSocket } from '../support/drivers/raw-socket.js';
import { report } from '../support/report.js';
import { ReconnectingDevice } from '../support/drivers/reconnecting-device.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';

/**
 * RELIABILITY: S1. Devices that stop reading, some of which go on to answer and to ask. The kernel takes some megabytes for
 * each before anyone can notice; then the node must let them go, and nobody else may feel it. Scaled to two cores.
 */
const SLOW = 8;
const EVENT_BYTES = 15_000;
const MEGABYTE = 1_048_576;
/** What a node may keep for one device: 1 MB (live/reading.ts), and what one turn adds to it before it is looked at. */
const MAX_KEPT = 2 * MEGABYTE;

let usher: TestUsher;
let others: ReconnectingDevice[];
const checker = new ConsistencyChecker();
const pad = 'x'.repeat(EVENT_BYTES);

beforeAll(async () => {
  usher = await startUsher({ LOG_LEVEL: 'warn' });
  // The others of the very users whose devices are slow.
  others = Array.from({ length: SLOW }, (_, n) => new ReconnectingDevice(`u${n}`, `u${n}-good`, [usher.url]));
  await Promise.all(others.map((device) => device.start()));
  // The same traffic without slow devices: what the process needs for it is not theirs.
  for (let round = 0; round < 8; round += 1) await fill();
}, 60_000);
afterAll(async () => {
  for (const device of others) device.close();
  await usher.stop();
});

async function metric(name: string): Promise<number> {
  const { body } = await usher.backOffice.call('GET', '/metrics');
  return Number(new RegExp(`^usher_${name} (.+)$`, 'm').exec(String(body.text))?.[1]);
}

const slowDevices = (kind: string): Promise<RawSocket[]> =>
  Promise.all(
    others.map(async ({ userId }) =>
      openRawDevice(usher.url, await usher.token(userId), `${userId}-${kind}`),
    ),
  );

/** A megabyte for every user. The next one supersedes it, but whoever is connected is told both. */
async function fill(): Promise<void> {
  for (const { userId } of others) {
    const events = Array.from({ length: 60 }, (_, n) => ({
      userId,
      type: 'note.big',
      tier: 'important',
      key: `big:${n}`,
      data: { pad },
    }));
    await usher.backOffice.publish(events);
  }
}

/** Fills until all slow devices were let go; answers the most that was kept for them, and how long others waited at worst. */
async function fillUntilGone(before: number, rounds: number, everyRound: () => void) {
  let unread = 0;
  let slowest = 0;
  for (let round = 0; round < rounds; round += 1) {
    await fill();
    everyRound();
    const start = Date.now();
    await checker.publish(usher.backOffice, `u${round % SLOW}`, 'critical');
    slowest = Math.max(slowest, Date.now() - start);
    unread = Math.max(unread, await metric('unread_bytes'));
    if ((await metric('slow_devices_total')) - before >= SLOW) break;
  }
  return { unread, slowest };
}

describe('devices that stop reading', () => {
  test.each([
    ['and send nothing more', () => undefined],
    ['but still answer pings', (socket: RawSocket) => socket.send('3')],
    [
      'but request a sync again and again',
      (socket: RawSocket) => socket.send('42["sync",{"epoch":"another","offset":0}]'),
    ],
  ])(
    '%s are disconnected, and little is buffered for them',
    async (what, everyRound) => {
      const slow = await slowDevices(what.slice(-4));
      const before = await metric('slow_devices_total');
      for (const socket of slow) socket.stopReading();
      const { unread, slowest } = await fillUntilGone(before, 14, () => {
        for (const socket of slow) everyRound(socket);
      });
      await eventually('all are let go', async () => (await metric('slow_devices_total')) - before >= SLOW);
      await eventually('their lines are closed', async () => (await metric('connections')) === SLOW);
      await checker.expectConsistent(others, 10_000);
      expect(others.flatMap(({ disconnectReasons: endings }) => endings)).toEqual([]);
      const kept = (unread / SLOW / MEGABYTE).toFixed(1);
      report(
        `${SLOW} slow devices: at most ${kept} MB kept for each, a critical event took ${slowest} ms at worst`,
      );
      expect(unread).toBeLessThan(SLOW * MAX_KEPT);
      for (const socket of slow) socket.terminate();
    },
    60_000,
  );
});
