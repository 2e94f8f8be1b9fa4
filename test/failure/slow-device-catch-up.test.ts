import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectDevice } from '../support/drivers/device.js';
import { eventually } from '../support/eventually.js';
import { metric } from '../support/metric.js';
import { type FaultProxy, faultProxy } from '../support/infrastructure/fault-proxy.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';

const KIB = 1024;
/** `live/reading.ts`: more than SLOW_BYTES, far less than STUCK_BYTES. */
const BEHIND_BYTES = 400 * KIB;

let usher: TestUsher;
let line: FaultProxy;
beforeAll(async () => {
  usher = await startUsher();
  line = await faultProxy({ host: '127.0.0.1', port: Number(new URL(usher.url).port) });
});
afterAll(async () => {
  await usher.stop();
  await line.close();
});

const unread = () => metric(usher, 'usher_unread_bytes');
/** Events of 14 KiB, each with a key of its own. */
const publish = async (count: number) => {
  const data = 'x'.repeat(14 * KIB);
  const events = Array.from({ length: count }, () => ({
    userId: 'ann',
    type: 'note.large',
    tier: 'important',
    data,
  }));
  await usher.backOffice.publish(events);
  return count;
};

describe('a device that stays far behind', () => {
  test('receives goaway, resumes on its next connection and misses nothing', async () => {
    const url = `http://127.0.0.1:${line.port}`;
    const token = await usher.token('ann');
    const slow = await connectDevice(url, 'ann-slow', { token });
    const swift = await usher.device('ann', 'ann-swift');
    let published = await publish(1);
    await slow.waitFor('note.large');
    line.set('unread');
    // The kernel takes the first megabytes.
    await eventually(
      'the node holds what the device does not read',
      async () => {
        published += await publish(8);
        return (await unread()) > BEHIND_BYTES;
      },
      30_000,
    );
    await eventually(
      'it is told to leave',
      async () => (await metric(usher, 'usher_slow_devices_total')) === 1,
    );
    published += await publish(5);
    line.set('open');
    const { reason, retryAfterMs } = await slow.waitFor('goaway');
    expect(reason).toBe('slow');
    expect(Number(retryAfterMs)).toBeLessThanOrEqual(2_000);
    const { epoch } = await swift.waitFor('welcome');
    const read = slow.offsets();
    expect(read).toHaveLength(published - 5);
    slow.close();
    const resumed = await usher.device('ann', 'ann-slow', { position: { epoch, offset: read.length } });
    await eventually('the rest', () => read.length + resumed.offsets().length >= published);
    expect([...read, ...resumed.offsets()]).toEqual(Array.from({ length: published }, (_, n) => n + 1));
    await eventually('nobody else was kept waiting', () => swift.offsets().length === published);
  }, 90_000);
});
