import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectDevice } from '../../support/drivers/device.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { type FaultProxy, faultProxy } from '../../support/infrastructure/fault-proxy.js';
import { metric } from '../../support/metric.js';
import { closeClients, openClient } from '../../client/test-client.js';

const KIB = 1024;
/** Above 256 KiB of unread bytes a device counts as slow; above 1 MiB it is disconnected. */
const BEHIND_BYTES = 400 * KIB;

let usher: TestUsher;
let proxy: FaultProxy;
let line: FaultProxy;
beforeAll(async () => {
  usher = await startUsher();
  const node = { host: '127.0.0.1', port: Number(new URL(usher.url).port) };
  proxy = await faultProxy(node);
  line = await faultProxy(node, { bytesPerSecond: 64_000, delayMs: 300 });
});
afterAll(async () => {
  closeClients();
  await usher.stop();
  await proxy.close();
  await line.close();
});

const unread = () => metric(usher, 'usher_unread_bytes');
/** Publishes notes of this size to the user. Returns their keys, in order. */
const publishNotes = async (userId: string, count: number, bytes: number, prefix = 'note') => {
  const text = 'x'.repeat(bytes);
  const events = Array.from({ length: count }, (_, n) => ({
    userId,
    type: 'note.written',
    tier: 'important',
    key: `${prefix}:${n}`,
    data: { text },
  }));
  for (let start = 0; start < count; start += 200)
    expect((await usher.backOffice.publish(events.slice(start, start + 200))).status).toBe(202);
  return events.map(({ key }) => key);
};
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

describe('a device on a slow line', () => {
  test('receives a history of any size, whatever it is a client of, and then live events', async () => {
    const url = `http://127.0.0.1:${line.port}`;
    const keys = await publishNotes('eve', 600, 2_400);
    const phone = openClient(url, { deviceId: 'eve-phone', token: () => usher.token('eve') });
    const offline: string[] = [];
    phone.client.on('offline', ({ code, message }) => void offline.push(`${code}: ${message}`));
    const stock = await connectDevice(url, 'eve-stock', { token: await usher.token('eve') });
    const keysOf = (entries: readonly unknown[]) => (entries as { key: string }[]).map(({ key }) => key);
    const stockKeys = () =>
      keysOf(stock.envelopes('snapshot').flatMap(({ entries }) => entries as unknown[]));
    await eventually(
      'the client of the web has everything',
      () => offline.length > 0 || phone.client.state.connection === 'live',
      60_000,
    );
    expect(offline).toEqual([]);
    expect(keysOf(phone.client.state.entries)).toEqual(keys);
    await eventually('the stock client has everything', () => stockKeys().length >= keys.length, 60_000);
    expect(stockKeys()).toEqual(keys);
    await publishNotes('eve', 1, 10, 'late');
    await eventually(
      'both receive what follows',
      () => phone.getOffsets().includes(601) && stock.offsets().includes(601),
    );
    expect(phone.getOffsets()).toEqual([601]);
    expect(stock.offsets()).toEqual([601]);
    closeClients();
    stock.close();
  }, 120_000);
});

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
