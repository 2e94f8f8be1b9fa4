import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type EdgeServer, startEdgeServer } from '../../support/drivers/edge-server.js';
import { cancel, putPlans, startStream, subscribe } from '../../support/drivers/subscribers.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { faultProxy, type FaultProxy } from '../../support/infrastructure/fault-proxy.js';

/** Scaled down from 90 s. */
const LEASE_SECONDS = 3;
let usher: TestUsher;
let other: TestUsher;
let proxy: FaultProxy;
let edge: EdgeServer;
beforeAll(async () => {
  usher = await startUsher({ LEASE_SECONDS: String(LEASE_SECONDS) });
  other = await usher.another();
  await putPlans(usher);
  proxy = await faultProxy({ host: '127.0.0.1', port: Number(new URL(usher.url).port) });
  const { body } = await usher.backOffice.call('POST', '/v1/keys', { name: 'edge', scopes: ['edge'] });
  edge = await startEdgeServer(`http://127.0.0.1:${proxy.port}`, String(body.key), 'edge-bytes');
});
afterAll(async () => {
  proxy.set('open');
  await edge.stop();
  await usher.stop();
  await proxy.close();
});

/** Starts a player on a lease that the edge node has renewed at least once. */
async function startWatching(userId: string) {
  await subscribe(usher, userId);
  const { body } = await startStream(usher, userId, { edgeId: 'edge-bytes' });
  const player = await edge.play(body.lease);
  expect(player.status).toBe(200);
  await eventually(
    'bytes come after the first lease is over',
    () => player.lastByteAt > Date.parse(body.expiresAt),
  );
  return { player, lease: body.lease, streamId: body.streamId };
}

describe('a canceled membership stops the video bytes', () => {
  test('within a second while the edge node is connected, and the old lease cannot be renewed any more', async () => {
    const { player, streamId } = await startWatching('ann');
    const since = Date.now();
    // On another node than the one that the edge node is connected to.
    await cancel(other, 'ann');
    await eventually('the player is cut off', () => player.cutOffAt);
    expect(player.lastByteAt - since).toBeLessThan(1_000);
    await subscribe(usher, 'ann');
    expect((await usher.backOffice.call('PUT', `/v1/streams/${streamId}`)).status).toBe(403);
  });

  test('by the end of the lease when the edge node is disconnected and receives nothing', async () => {
    const { player } = await startWatching('bob');
    const since = Date.now();
    proxy.set('black-hole');
    await cancel(usher, 'bob');
    await eventually('the player is cut off', () => player.cutOffAt);
    expect(player.lastByteAt - since).toBeLessThan((LEASE_SECONDS + 0.5) * 1_000);
    proxy.set('open');
  });

  test('for the auth check of nginx: 204 with the newest lease, then 403', async () => {
    await eventually(
      'the edge node is connected again',
      async () => {
        const { connected } = (await (await fetch(`${edge.url}/health`)).json()) as { connected: boolean };
        return connected;
      },
      15_000,
    );
    await subscribe(usher, 'cal');
    const { body } = await startStream(usher, 'cal', { edgeId: 'edge-bytes' });
    expect(await edge.check(body.lease)).toEqual({ status: 204, lease: body.lease });
    const newest = await eventually('a newer lease', async () => {
      const { lease } = await edge.check(body.lease);
      return lease !== body.lease && lease;
    });
    expect((await edge.check(newest)).status).toBe(204);
    await cancel(usher, 'cal');
    await eventually('the check is denied', async () => (await edge.check(newest)).status === 403);
    expect((await fetch(`${edge.url}/check`)).status).toBe(401);
  });
});
