import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectDevice } from '../../support/drivers/device.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { type FaultProxy, faultProxy } from '../../support/infrastructure/fault-proxy.js';
import { metric } from '../../support/metric.js';

const KIB = 1024;
/** Above 256 KiB of unread bytes a device counts as slow; above 1 MiB it is disconnected. */
const BEHIND_BYTES = 400 * KIB;

let usher: TestUsher;
let proxy: FaultProxy;
beforeAll(async () => {
  usher = await startUsher();
  proxy = await faultProxy({ host: '127.0.0.1', port: Number(new URL(usher.url).port) });
});
afterAll(async () => {
  await usher.stop();
  await proxy.close();
});

const unread = () => metric(usher, 'usher_unread_bytes');
/** Publishes events of 14 KiB, each with its own key. Returns how many. */
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
    const url = `http://127.0.0.1:${proxy.port}`;
    const token = await usher.token('ann');
    const slowDevice = await connectDevice(url, 'ann-slow', { token });
    const fastDevice = await usher.device('ann', 'ann-swift');
    let published = await publish(1);
    await slowDevice.waitFor('note.large');
    proxy.set('unread');
    // The kernel buffers the first megabytes.
    await eventually(
      'the node holds what the device does not read',
      async () => {
        published += await publish(8);
        return (await unread()) > BEHIND_BYTES;
      },
      30_000,
    );
    await eventually(
      'the node counts it as a slow device',
      async () => (await metric(usher, 'usher_slow_devices_total')) === 1,
    );
    published += await publish(5);
    proxy.set('open');
    const { reason, retryAfterMs } = await slowDevice.waitFor('goaway');
    expect(reason).toBe('slow');
    expect(Number(retryAfterMs)).toBeLessThanOrEqual(2_000);
    const { epoch } = await fastDevice.waitFor('welcome');
    const read = slowDevice.offsets();
    expect(read).toHaveLength(published - 5);
    slowDevice.close();
    const resumed = await usher.device('ann', 'ann-slow', { position: { epoch, offset: read.length } });
    await eventually('the missed events arrive', () => read.length + resumed.offsets().length >= published);
    expect([...read, ...resumed.offsets()]).toEqual(Array.from({ length: published }, (_, n) => n + 1));
    await eventually('the fast device has every event', () => fastDevice.offsets().length === published);
  }, 90_000);
});
