import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backOffice } from '../../support/drivers/back-office.js';
import { connectDevice, type Device } from '../../support/drivers/device.js';
import { startTopology, type Topology } from '../../support/drivers/topology.js';
import { ADMIN_KEY, mintToken } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { describeIfAvailable } from '../../support/infrastructure/describe-if-available.js';
import { nginxUnavailable, startNginx } from '../../support/infrastructure/nginx.js';
import { metric } from '../../support/metric.js';

const reason = nginxUnavailable();
const DEVICES = 12;

let topology: Topology;
let plain: Awaited<ReturnType<typeof startNginx>>;
let sticky: Awaited<ReturnType<typeof startNginx>>;
const open: Device[] = [];

beforeAll(async () => {
  if (reason !== undefined) return;
  topology = await startTopology({ TRANSPORTS: 'websocket,polling' });
  const [one, two] = topology.gateways.map(({ url }) => new URL(url).host) as [string, string];
  const upstreams = { 'gateway-1': one, 'gateway-2': two, worker: new URL(topology.api.url).host };
  plain = await startNginx(upstreams);
  sticky = await startNginx(upstreams, 'hash $http_x_forwarded_for consistent;');
});
afterAll(async () => {
  if (reason !== undefined) return;
  for (const device of open) device.close();
  await plain.stop();
  await sticky.stop();
  await topology.stop();
});

const connectionCounts = () =>
  Promise.all(topology.gateways.map((gateway) => metric(gateway, 'usher_connections')));

const publish = (url: string, userId: string) =>
  backOffice(url, ADMIN_KEY).publish([{ userId, type: 'note.added', tier: 'important', data: {} }]);

/** Connects devices of one user, each from its own IP address. */
async function devices(url: string, userId: string, transport: string): Promise<Device[]> {
  const token = await mintToken(userId);
  const all = await Promise.all(
    Array.from({ length: DEVICES }, (_, n) =>
      connectDevice(url, `${userId}-${n}`, {
        token,
        transports: [transport],
        headers: { 'x-forwarded-for': `192.0.2.${n}` },
      }),
    ),
  );
  open.push(...all);
  return all;
}

async function disconnectAll(all: readonly Device[]): Promise<void> {
  for (const device of all) device.close();
  await eventually('nobody is connected', async () => {
    const counts = await connectionCounts();
    return counts.every((count) => count === 0);
  });
}

const expectBothGatewaysUsed = async () =>
  expect((await connectionCounts()).every((count) => count > 0)).toBe(true);

const tests = () => {
  test('WebSocket connections need no sticky sessions: they spread over the gateways and receive what is published', async () => {
    const all = await devices(plain.url, 'ann', 'websocket');
    await expectBothGatewaysUsed();
    expect((await publish(plain.url, 'ann')).status).toBe(202);
    for (const device of all) await device.waitFor('note.added');
    await disconnectAll(all);
  });

  test('long-polling connections stay on their gateway when the load balancer uses sticky sessions', async () => {
    const all = await devices(sticky.url, 'ben', 'polling');
    await expectBothGatewaysUsed();
    for (let round = 0; round < 3; round += 1) await publish(sticky.url, 'ben');
    for (const device of all) {
      await eventually('all three events arrived', () => device.offsets().length === 3);
      expect(await device.request('sync', { epoch: device.envelopes()[0]?.epoch, offset: 3 })).toMatchObject({
        ok: true,
      });
      expect([device.socket.connected, device.socket.io.engine.transport.name]).toEqual([true, 'polling']);
    }
    await disconnectAll(all);
  });

  test('event streams are not buffered', async () => {
    const controller = new AbortController();
    const response = await fetch(`${plain.url}/v1/me/events`, {
      headers: { authorization: `Bearer ${await mintToken('cleo')}` },
      signal: controller.signal,
    });
    let text = '';
    void (async () => {
      const decoder = new TextDecoder();
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
        text += decoder.decode(chunk);
    })().catch(() => undefined);
    await eventually('the welcome arrives', () => text.includes('event: welcome'));
    await publish(plain.url, 'cleo');
    await eventually('the event arrives while the stream is open', () => text.includes('event: note.added'));
    controller.abort();
  });

  test('metrics are not reachable from outside', async () => {
    expect((await fetch(`${plain.url}/metrics`)).status).toBe(404);
  });
};

const title = 'behind nginx with deploy/nginx.conf';
describeIfAvailable(reason, title, tests);
