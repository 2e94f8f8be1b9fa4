import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call } from '../../support/drivers/back-office.js';
import { startTopology, type Topology } from '../../support/drivers/topology.js';
import type { TestUsher } from '../../support/drivers/usher.js';
import { expectProblem } from '../../support/expectations.js';

let topology: Topology;
let worker: TestUsher;
beforeAll(async () => {
  topology = await startTopology();
  worker = await topology.api.another({ ROLES: 'worker' });
});
afterAll(() => topology.stop());

const NOTE = { type: 'note.added', tier: 'critical', data: {} };

describe('separate gateways and API nodes', () => {
  test('deliver what was published at the API node to the devices on every gateway', async () => {
    const devices = await Promise.all(
      topology.gateways.map((gateway, n) => gateway.device('ann', `ann-${n}`)),
    );
    expect((await topology.api.backOffice.publish([{ ...NOTE, userId: 'ann' }])).status).toBe(202);
    for (const device of devices) expect((await device.waitFor('note.added')).offset).toBe(1);
  });

  test('deliver heartbeats from a device on one gateway to a device on the other', async () => {
    const [a, b] = topology.gateways;
    const tv = await a.device('ben', 'ben-tv');
    const phone = await b.device('ben', 'ben-phone');
    expect(await tv.heartbeat({ positionSeconds: 700 })).toMatchObject({ ok: true });
    expect((await phone.waitFor('playback.progress')).data).toMatchObject({ positionSeconds: 700 });
  });
});

describe('a node serves what its roles include and rejects everything else', () => {
  const paths = [
    '/v1/me/state',
    '/v1/me/devices',
    '/v1/users/ann/entitlement',
    '/docs',
    '/.well-known/jwks.json',
  ];

  test('a gateway: health, metrics, sockets and event streams', async () => {
    const [gateway] = topology.gateways;
    expect((await fetch(`${gateway.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${gateway.url}/metrics`)).status).toBe(200);
    const token = await gateway.token('cleo');
    const stream = await fetch(`${gateway.url}/v1/me/events`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect([stream.status, stream.headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining('text/event-stream'),
    ]);
    await stream.body?.cancel();
    for (const path of paths)
      expectProblem(await call(gateway.url, token, 'GET', path), 421, 'misdirected', true);
    const published = await gateway.backOffice.publish([{ ...NOTE, userId: 'cleo' }]);
    expectProblem(published, 421, 'misdirected', true);
  });

  test('an API node: every call, and no socket or event stream', async () => {
    const token = await topology.api.token('dan');
    expect((await call(topology.api.url, token, 'GET', '/v1/me/state')).status).toBe(200);
    expect((await call(topology.api.url, token, 'GET', '/v1/me/events')).status).toBe(404);
    await expect(topology.api.device('dan', 'dan-tv')).rejects.toThrow('rejected');
  });

  test('a worker: health and metrics', async () => {
    expect((await fetch(`${worker.url}/health/ready`)).status).toBe(200);
    expect((await fetch(`${worker.url}/metrics`)).status).toBe(200);
    for (const path of [...paths, '/v1/me/events'])
      expectProblem(await worker.callAs('eve', 'GET', path), 421, 'misdirected', true);
  });
});
