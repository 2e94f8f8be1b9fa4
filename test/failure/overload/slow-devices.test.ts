import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ConsistencyChecker } from '../../support/consistency-checker.js';
import { openRawDevice, type RawSocket } from '../../support/drivers/raw-socket.js';
import { ReconnectingDevice } from '../../support/drivers/reconnecting-device.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { metric } from '../../support/metric.js';
import { report } from '../../support/report.js';

/**
 * Devices that stop reading, some of which still send. The kernel buffers some megabytes for each before the node can notice;
 * then the node must disconnect them without an effect on other devices.
 */
const SLOW = 8;
const EVENT_BYTES = 15_000;
const MEGABYTE = 1_048_576;
/** A device that is catching up is given up after 20 s without progress. */
const DISCONNECTED_WITHIN_MS = 40_000;
/** A megabyte each for every slow device; the kernel takes the first four to twelve or so. */
const MAX_ROUNDS = 40;
/** What a node may buffer for one device: 1 MiB, and what is added before the next check. */
const MAX_BUFFERED = 2 * MEGABYTE;

let usher: TestUsher;
let others: ReconnectingDevice[];
const checker = new ConsistencyChecker();
const pad = 'x'.repeat(EVENT_BYTES);

beforeAll(async () => {
  usher = await startUsher({ LOG_LEVEL: 'warn' });
  // Other devices of the users who have slow ones.
  others = Array.from({ length: SLOW }, (_, n) => new ReconnectingDevice(`u${n}`, `u${n}-good`, [usher.url]));
  await Promise.all(others.map((device) => device.start()));
  // The same traffic before there are slow devices, so that its memory is not counted as theirs.
  for (let round = 0; round < 8; round += 1) await publishMegabytes();
}, 60_000);
afterAll(async () => {
  for (const device of others) device.close();
  await usher.stop();
});

const disconnectedCount = () => metric(usher, 'usher_slow_devices_total');

/** Devices that have everything so far: what they do not read is live events, not their history. */
const slowDevices = (kind: string): Promise<RawSocket[]> =>
  Promise.all(
    others.map(async ({ userId, eventLog }) =>
      openRawDevice(usher.url, await usher.token(userId), `${userId}-${kind}`, eventLog.position),
    ),
  );

/** Publishes a megabyte for every user. The next one supersedes it, but connected devices receive both. */
async function publishMegabytes(): Promise<void> {
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

/**
 * Publishes until all slow devices are disconnected; calls `everyRound` when the kernel takes no more for them. Returns the most
 * bytes buffered for them, and how many milliseconds the slowest critical event took.
 */
async function publishUntilDisconnected(before: number, rounds: number, everyRound: () => void) {
  let unread = 0;
  let slowest = 0;
  for (let round = 0; round < rounds; round += 1) {
    await publishMegabytes();
    if (unread > 0) everyRound();
    const start = Date.now();
    await checker.publish(usher.backOffice, `u${round % SLOW}`, 'critical');
    slowest = Math.max(slowest, Date.now() - start);
    unread = Math.max(unread, await metric(usher, 'usher_unread_bytes'));
    if ((await disconnectedCount()) - before >= SLOW) break;
  }
  return { unread, slowest };
}

describe('devices that stop reading', () => {
  test.each([
    ['and send nothing more', () => undefined],
    ['but still answer pings', (socket: RawSocket) => socket.send('3')],
    [
      'but request a sync again and again',
      (socket: RawSocket) => {
        socket.send('3');
        socket.send('42["sync",{"epoch":"another","offset":0}]');
      },
    ],
  ])(
    '%s are disconnected, and little is buffered for them',
    async (what, everyRound) => {
      const slow = await slowDevices(what.slice(-4));
      const before = await disconnectedCount();
      for (const socket of slow) socket.stopReading();
      const { unread, slowest } = await publishUntilDisconnected(before, MAX_ROUNDS, () => {
        for (const socket of slow) everyRound(socket);
      });
      await eventually(
        'all are disconnected',
        async () => (await disconnectedCount()) - before >= SLOW,
        DISCONNECTED_WITHIN_MS,
      );
      await eventually(
        'their connections are closed',
        async () => (await metric(usher, 'usher_connections')) === SLOW,
      );
      await checker.expectConsistent(others, 10_000);
      expect(others.flatMap(({ disconnectReasons }) => disconnectReasons)).toEqual([]);
      const bufferedMegabytes = (unread / SLOW / MEGABYTE).toFixed(1);
      report(
        `${SLOW} slow devices: at most ${bufferedMegabytes} MB buffered for each, a critical event took ${slowest} ms at worst`,
      );
      expect(unread).toBeGreaterThan(0);
      expect(unread).toBeLessThan(SLOW * MAX_BUFFERED);
      for (const socket of slow) socket.terminate();
    },
    90_000,
  );
});
