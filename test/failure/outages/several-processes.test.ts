import { request } from 'node:http';
import { text as readAll } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isAlive } from '../../../tools/processes.mjs';
import type { Device } from '../../support/drivers/device.js';
import { noteFor, registerPhone } from '../../support/drivers/phone.js';
import { ADMIN_KEY, startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { metric } from '../../support/metric.js';

/** Enough that each of two processes certainly gets some, since connections are handed out in turn. */
const DEVICES = 8;
/** A scrape waits up to 4 s for the metrics of all processes. */
const CALL_TIMEOUT_MS = 10_000;
let usher: TestUsher;
let devices: Device[];

beforeAll(async () => {
  // In development, so that the demo page's phone is there too.
  usher = await startUsher({ PROCESSES: '2', DRAIN_SECONDS: '2', NODE_ENV: 'development' });
  devices = await Promise.all(Array.from({ length: DEVICES }, (_, n) => usher.device('ann', `ann-${n}`)));
}, 60_000);
afterAll(() => usher.stop());

/** Returns the ids of all processes with this number so far, the newest last, as the primary logs them. */
const pidsOf = (node: TestUsher, number: number): number[] =>
  [...node.log().matchAll(new RegExp(`process ${number} is ready \\(pid (\\d+)\\)`, 'g'))].map(([, pid]) =>
    Number(pid),
  );
const pidOf = (number: number) => pidsOf(usher, number).at(-1) ?? 0;

/**
 * Calls over a connection of its own. Connections are handed out in turn, so each call comes to another process than the one before.
 * Returns the status and the body.
 */
function callNext(path: string, body?: unknown): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' };
    const method = body === undefined ? 'GET' : 'POST';
    const calling = request(`${usher.url}${path}`, { agent: false, method, headers }, (response) => {
      readAll(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
    });
    calling.on('error', reject);
    calling.setTimeout(CALL_TIMEOUT_MS, () => calling.destroy(new Error(`${path}: no response`)));
    calling.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Returns the metrics from the process that responds first. One that is stopped takes the connection and says nothing. */
const scrape = async (): Promise<string> =>
  (await Promise.any([callNext('/metrics'), callNext('/metrics')])).text;

/** Publishes an event to all devices, and waits until each of the given ones has it. */
async function publishTo(receivers: readonly Device[], type: string): Promise<void> {
  const event = { userId: 'ann', type, tier: 'critical', data: {} };
  const { status } = await callNext('/v1/events', { events: [event] });
  expect(status).toBe(202);
  await Promise.all(receivers.map((device) => device.waitFor(type)));
}

describe('two processes behind one port', () => {
  test('are two nodes, and a device connected to either receives what is published at either', async () => {
    for (let n = 0; n < 4; n += 1) await publishTo(devices, `note.${n}`);
    // Whichever process an event came to, some of the devices were connected to the other.
    expect(await metric(usher, 'usher_node_messages_total')).toBeGreaterThanOrEqual(4);
  });

  test('report metrics as one: what they have is added up, and of what they see the larger counts', async () => {
    await eventually('both respond', async () => (await metric(usher, 'usher_process_silent')) === 0);
    expect(await metric(usher, 'usher_connections')).toBe(DEVICES);
    // The sweep may have dispatched some a second time.
    expect(await metric(usher, 'usher_events_total')).toBeGreaterThanOrEqual(4);
    // Each sees one other node.
    expect(await metric(usher, 'usher_nodes')).toBe(1);
    expect(await metric(usher, 'usher_process_up')).toBe(2);
    const text = await scrape();
    for (const name of ['usher_strain', 'usher_redis_in_doubt', 'usher_nodejs_eventloop_lag_p99_seconds'])
      expect(text.match(new RegExp(`^${name} `, 'gm'))).toHaveLength(1);
    expect(await metric(usher, 'usher_strain')).toBeLessThanOrEqual(4);
    expect(await metric(usher, 'usher_redis_in_doubt')).toBeLessThanOrEqual(1);
  });

  test('say in their log lines which of them wrote it', async () => {
    const writers = () =>
      usher
        .log()
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .map((line) => (JSON.parse(line) as { process?: string }).process);
    for (const path of ['/nowhere', '/nowhere']) await callNext(path);
    await eventually('each has logged something', () => new Set(writers()).size >= 3);
    expect(new Set(writers())).toEqual(new Set(['primary', '1', '2']));
  });

  test('show the demo page the same lock screen of a phone, whichever of them sent the push', async () => {
    const phone = await registerPhone(usher, 'bea', 'bea-phone');
    await usher.backOffice.publish([noteFor('bea')]);
    await phone.waitForNotifications(1);
    const read = () => callNext('/dev/lock-screen', { address: phone.address });
    for (const { text } of [await read(), await read()])
      expect((JSON.parse(text) as { notes: unknown[] }).notes).toHaveLength(1);
  });

  test('do not delay a scrape when one of them hangs: its last metrics are used, and it is named', async () => {
    await scrape();
    process.kill(pidOf(2), 'SIGSTOP');
    try {
      const text = await scrape();
      expect(text).toMatch(/^usher_process_silent{process="1"} 0$/m);
      expect(text).toMatch(/^usher_process_silent{process="2"} 1$/m);
      expect(text).toMatch(new RegExp(`^usher_connections ${DEVICES}$`, 'm'));
    } finally {
      process.kill(pidOf(2), 'SIGCONT');
    }
    await eventually('it responds again', async () => (await metric(usher, 'usher_process_silent')) === 0);
  });

  test('go on without one that is killed, which is started again, and no counter falls', async () => {
    const before = await metric(usher, 'usher_events_total');
    const killed = pidOf(2);
    process.kill(killed, 'SIGKILL');
    const isGone = (device: Device) => !device.socket.connected;
    await eventually('its devices have lost their connections', () => devices.some(isGone));
    await eventually('the primary has noticed', () => usher.log().includes('process 2 ended (SIGKILL)'));
    const left = devices.filter((device) => !isGone(device));
    expect(left.length).toBeGreaterThan(0);
    expect(left.length).toBeLessThan(DEVICES);
    expect((await fetch(`${usher.url}/health/ready`)).status).toBe(200);
    await publishTo(left, 'note.meanwhile');

    await eventually('it is up again', async () => (await metric(usher, 'usher_process_up')) === 2);
    expect(pidOf(2)).not.toBe(killed);
    expect(await metric(usher, 'usher_process_restarts_total')).toBe(1);
    expect(await metric(usher, 'usher_events_total')).toBeGreaterThanOrEqual(before + 1);
    const back = await Promise.all(devices.filter(isGone).map(({ id }) => usher.device('ann', id)));
    await publishTo([...left, ...back], 'note.again');
    devices = [...left, ...back];
  });

  test('drain together at SIGTERM, whatever signals follow, and end with exit code 0', async () => {
    process.kill(usher.pid, 'SIGTERM');
    await Promise.all(devices.map((device) => device.waitFor('goaway')));
    process.kill(usher.pid, 'SIGTERM');
    expect(devices.filter((device) => device.socket.connected)).toHaveLength(DEVICES);
    await usher.kill('SIGTERM');
    expect(usher.exited).toBe('0');
    for (const device of devices) await device.disconnected();
    expect([1, 2].flatMap((number) => pidsOf(usher, number)).filter(isAlive)).toEqual([]);
  });
});

test('processes whose primary is killed end too', async () => {
  const other = await usher.another();
  const pids = [1, 2].flatMap((number) => pidsOf(other, number));
  expect(pids).toHaveLength(2);
  await other.kill('SIGKILL');
  await eventually('no process is left', () => !pids.some(isAlive));
}, 60_000);

test('a start that fails says why once, not once for each process, and ends', async () => {
  const { DATABASE_URL = '' } = process.env;
  const failed = await usher.another({ DATABASE_URL }).then(
    () => 'it started',
    (error: Error) => error.message,
  );
  expect(failed).toContain('the node ended at boot');
  expect(failed).toContain('relation "installation" does not exist');
  expect(failed).toContain('process 1 ended before all were ready (exit code 1)');
  expect(new Set([...failed.matchAll(/\[Nest\] (\d+)/g)].map(([, pid]) => pid)).size).toBe(1);
});
