import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { backOffice, type BackOffice } from '../../support/drivers/back-office.js';
import { cancel, putPlans, startStream, subscribe } from '../../support/drivers/subscribers.js';
import { type NodeBehindProxy, startNodeBehindProxy } from '../../support/drivers/node-behind-proxy.js';
import type { TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';
import type { FaultProxy } from '../../support/infrastructure/fault-proxy.js';

/** Scaled down from a grace period of 300 s and leases of 90 s. */
const GRACE_SECONDS = 7;
const LEASE_SECONDS = 2;
let usher: TestUsher;
let proxy: FaultProxy;
/** A node that reaches PostgreSQL only through `proxy`, and an edge node that calls it with its own key. */
let node: TestUsher;
let stop: NodeBehindProxy['stop'];
let edge: BackOffice;
beforeAll(async () => {
  ({ usher, node, proxy, stop } = await startNodeBehindProxy({
    LEASE_SECONDS: String(LEASE_SECONDS),
    GRACE_SECONDS: String(GRACE_SECONDS),
  }));
  await putPlans(usher);
  const { body } = await usher.backOffice.call('POST', '/v1/keys', { name: 'edge', scopes: ['edge'] });
  edge = backOffice(node.url, String(body.key));
});
afterAll(async () => {
  proxy.set('open');
  await stop();
});

/** Starts a stream and renews it through the node. Returns its id. */
async function startRunningStream(userId: string): Promise<string> {
  await subscribe(usher, userId);
  const { body } = await startStream(usher, userId);
  await eventually('the stream is renewed', async () => (await renew(body.streamId)).status === 200);
  return body.streamId;
}
const renew = (streamId: string) => edge.call('PUT', `/v1/streams/${streamId}`);
const expiry = (lease: unknown): number => Number(decodeJwt(String(lease)).exp) * 1_000;

describe('while PostgreSQL is slow rather than away: it answers pings, but not the renewals of a stream in time', () => {
  test('the stream goes on until the grace period ends, which does not begin anew, and then from PostgreSQL again', async () => {
    const streamId = await startRunningStream('brown-out');
    const release = await usher.database.holdTransaction(
      'SELECT 1 FROM stream WHERE stream_id = $1 FOR UPDATE',
      [streamId],
    );
    const since = Date.now();
    let byGrace = 0;
    await eventually(
      'the grace period is over',
      async () => {
        const { status, body } = await renew(streamId);
        if (status === 200) byGrace = Math.max(byGrace, expiry(body.lease));
        return status === 503 && body.code === 'unavailable';
      },
      (GRACE_SECONDS + 12) * 1_000,
    );
    // The slot was held for a lease more when the first renewal got no answer.
    expect(byGrace).toBeGreaterThan(since + LEASE_SECONDS * 1_000);
    expect(byGrace).toBeLessThanOrEqual(since + (GRACE_SECONDS + LEASE_SECONDS) * 1_000);
    await release();
    await eventually('it is renewed again', async () => (await renew(streamId)).status === 200);
  });
});

describe.each(['cut', 'black-hole'] as const)('while PostgreSQL is unavailable (%s)', (state) => {
  test('running streams go on until the grace period ends, known stops hold, and no new stream starts', async () => {
    const [running, ended, canceled] = [
      await startRunningStream(`${state}-running`),
      await startRunningStream(`${state}-ended`),
      await startRunningStream(`${state}-canceled`),
    ];
    expect((await edge.call('DELETE', `/v1/streams/${ended}`)).status).toBe(204);
    const since = Date.now();
    proxy.set(state);
    const first = await renew(running);
    expect([first.status, first.body.code]).toEqual([200, undefined]);
    expect(expiry(first.body.lease)).toBeLessThanOrEqual(Date.now() + LEASE_SECONDS * 1_000);
    expect(decodeJwt(String(first.body.lease))).toMatchObject({
      sub: `${state}-running`,
      sid: running,
      ver: 1,
    });
    // Another node still reaches PostgreSQL, and its message reaches this node through Redis.
    await cancel(usher, `${state}-canceled`);
    await eventually('the stop is known to the node', async () => (await renew(canceled)).status !== 200);
    expectProblem(await renew(canceled), 404, 'not_found');
    expectProblem(await renew(ended), 404, 'not_found');
    expectProblem(await renew('a-stream-of-other-nodes'), 503, 'unavailable', true);
    const wanted = { userId: `${state}-running`, deviceId: 'd', titleId: 't', edgeId: 'e' };
    const refused = edge.call('POST', '/v1/streams', wanted);
    const unknown = edge.call('GET', `/v1/users/${state}-goes/entitlement`);
    let latest = 0;
    await eventually(
      'the grace period is over',
      async () => {
        const { status, body } = await renew(running);
        if (status === 200) latest = Math.max(latest, expiry(body.lease));
        return status === 503 && body.code === 'unavailable';
      },
      (GRACE_SECONDS + 5) * 1_000,
    );
    expect(latest).toBeGreaterThan(since);
    // The node notices the outage within two seconds, and the grace period starts no later than that.
    expect(latest).toBeLessThanOrEqual(since + (GRACE_SECONDS + 2) * 1_000);
    expectProblem(await refused, 503, 'unavailable', true);
    expectProblem(await unknown, 503, 'unavailable', true);
    proxy.set('open');
    await eventually('it renews from PostgreSQL again', async () => (await renew(running)).status === 200);
    expect((await renew(canceled)).status).toBe(403);
  });
});
