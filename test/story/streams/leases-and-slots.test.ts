import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { backOffice, PREMIUM } from '../../support/drivers/back-office.js';
import { nowSeconds } from '../../support/drivers/stripe-webhooks.js';
import {
  putPlans,
  renewStream,
  sendSubscriptionEvent,
  startStream,
  subscribe,
} from '../../support/drivers/subscribers.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';

const LEASE_SECONDS = 30;
let usher: TestUsher;
let other: TestUsher;
beforeAll(async () => {
  usher = await startUsher({ LEASE_SECONDS: String(LEASE_SECONDS) });
  other = await usher.another();
  await putPlans(usher);
});
afterAll(() => usher.stop());

const end = (streamId: string) => usher.backOffice.call('DELETE', `/v1/streams/${streamId}`);
/** Lets the slot expire, as if the stream had not been renewed. */
const expireSlot = (streamId: string) =>
  usher.database.query(`UPDATE stream SET slot_until = now() - interval '1 second' WHERE stream_id = $1`, [
    streamId,
  ]);
const slotUntil = async (streamId: string) => {
  const rows = await usher.database.query<{ until: Date }>(
    'SELECT slot_until AS until FROM stream WHERE stream_id = $1',
    [streamId],
  );
  return rows[0]?.until.getTime() ?? 0;
};
async function keySet(node: TestUsher) {
  const response = await fetch(`${node.url}/.well-known/jwks.json`);
  return { response, body: (await response.json()) as Parameters<typeof createLocalJWKSet>[0] };
}

describe('a lease', () => {
  test('is a signed token for one stream that anyone can verify offline with the published keys of any node', async () => {
    await subscribe(usher, 'ann');
    const requestedAt = Date.now();
    const { status, body } = await startStream(usher, 'ann', { deviceId: 'ann-tv' });
    expect(status).toBe(201);
    const { response, body: keys } = await keySet(other);
    expect(response.headers.get('cache-control')).toMatch(/max-age=\d+/);
    expect(keys.keys.length).toBeGreaterThanOrEqual(2);
    expect(keys.keys.every((key) => !('d' in key))).toBe(true);
    const { payload, protectedHeader } = await jwtVerify(body.lease, createLocalJWKSet(keys), {
      algorithms: ['EdDSA'],
    });
    expect(protectedHeader).toMatchObject({ alg: 'EdDSA', kid: expect.any(String) });
    expect(payload).toEqual({
      sub: 'ann',
      sid: body.streamId,
      did: 'ann-tv',
      ver: 1,
      cap: { ...PREMIUM, maxStreams: 2 },
      iat: expect.any(Number),
      exp: expect.any(Number),
    });
    expect(Number(payload.exp) * 1_000).toBeLessThanOrEqual(Date.now() + LEASE_SECONDS * 1_000);
    expect(Number(payload.exp) * 1_000).toBeGreaterThan(requestedAt + (LEASE_SECONDS - 2) * 1_000);
    expect(new Date(body.expiresAt).getTime()).toBe(Number(payload.exp) * 1_000);
  });

  test('never outlives a membership that is known to end', async () => {
    const endsAt = nowSeconds() + 5;
    await sendSubscriptionEvent(usher, 'ada', 'customer.subscription.updated', {
      status: 'active',
      object: { cancel_at: endsAt },
    });
    const { body } = await startStream(usher, 'ada');
    expect(Date.parse(body.expiresAt)).toBeLessThanOrEqual(endsAt * 1_000);
  });
});

describe('a stream', () => {
  test('needs a membership that allows it, or is rejected with 403 not_entitled', async () => {
    expectProblem(await startStream(usher, 'nobody'), 403, 'not_entitled');
  });

  test('takes one of the plan’s slots; without a free slot it is rejected with the list of running streams', async () => {
    await subscribe(usher, 'ben');
    const first = await startStream(usher, 'ben', { deviceId: 'ben-tv' });
    const second = await startStream(other, 'ben', {
      deviceId: 'ben-phone',
      titleId: 'lupin',
      edgeId: 'edge-2',
    });
    const refused = await startStream(usher, 'ben', { deviceId: 'ben-web' });
    expectProblem(refused, 409, 'too_many_streams');
    expect(refused.body.streams).toEqual([
      {
        streamId: first.body.streamId,
        deviceId: 'ben-tv',
        titleId: 'dark',
        edgeId: 'edge-1',
        startedAt: expect.any(String),
      },
      expect.objectContaining({ streamId: second.body.streamId, titleId: 'lupin', edgeId: 'edge-2' }),
    ]);
  });

  test('that ends frees its slot, and ending it again changes nothing', async () => {
    await subscribe(usher, 'bob', 'solo');
    const { body } = await startStream(usher, 'bob');
    for (let time = 0; time < 2; time += 1) expect((await end(body.streamId)).status).toBe(204);
    expect((await startStream(usher, 'bob')).status).toBe(201);
    expectProblem(await renewStream(usher, body.streamId), 404, 'not_found');
  });

  test('whose edge node vanished frees its slot when its lease expires', async () => {
    await subscribe(usher, 'bea', 'solo');
    const { body } = await startStream(usher, 'bea');
    expect((await startStream(usher, 'bea')).status).toBe(409);
    await expireSlot(body.streamId);
    expect((await startStream(other, 'bea')).status).toBe(201);
    expectProblem(await renewStream(usher, body.streamId), 409, 'too_many_streams');
  });

  test('that was not renewed in time goes on if its slot is still free', async () => {
    await subscribe(usher, 'bix', 'solo');
    const { body } = await startStream(usher, 'bix');
    await expireSlot(body.streamId);
    expect((await renewStream(other, body.streamId)).status).toBe(200);
    expectProblem(await startStream(usher, 'bix'), 409, 'too_many_streams');
  });

  test('requested by ten edge nodes at once is granted no more often than there are slots', async () => {
    await subscribe(usher, 'bud');
    const replies = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        startStream(n % 2 ? usher : other, 'bud', { edgeId: `edge-${n}` }),
      ),
    );
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 201, ...Array<number>(8).fill(409)]);
  });

  test('is started once, however often the same request with an Idempotency-Key is repeated', async () => {
    await subscribe(usher, 'bor', 'solo');
    const headers = { 'idempotency-key': 'bor-1' };
    const first = await startStream(usher, 'bor', {}, headers);
    const again = await startStream(other, 'bor', {}, headers);
    expect(again.body).toEqual(first.body);
    expect(again.status).toBe(201);
  });

  test('needs no registered device, whoever else has one with the same id', async () => {
    await subscribe(usher, 'eve');
    await usher.device('zed', 'living-room-tv');
    const { status, body } = await startStream(usher, 'eve', { deviceId: 'living-room-tv' });
    expect(status).toBe(201);
    expect((await renewStream(other, body.streamId)).status).toBe(200);
  });

  test('can be requested by edge nodes only', async () => {
    const { body } = await usher.backOffice.call('POST', '/v1/keys', { name: 'x', scopes: ['publish'] });
    const outsider = backOffice(usher.url, String(body.key));
    expectProblem(await outsider.call('POST', '/v1/streams', {}), 403, 'forbidden');
    expectProblem(await outsider.call('PUT', '/v1/streams/x'), 403, 'forbidden');
    expectProblem(await outsider.call('DELETE', '/v1/streams/x'), 403, 'forbidden');
    const nobody = backOffice(usher.url, 'no-key');
    expectProblem(await nobody.call('PUT', '/v1/streams/x'), 401, 'unauthorized');
    for (const wrong of [{ userId: 'a b' }, { deviceId: '' }, { titleId: '\u0000' }, { edgeId: 7 }]) {
      expectProblem(await startStream(usher, 'ann', wrong), 400, 'invalid_request');
    }
  });
});

describe('a renewal', () => {
  test('returns a lease with the newest membership and keeps the slot', async () => {
    await subscribe(usher, 'cal');
    const { body } = await startStream(usher, 'cal');
    await subscribe(usher, 'cal', 'solo');
    const renewed = await renewStream(other, body.streamId);
    expect(renewed.status).toBe(200);
    expect(renewed.body.streamId).toBe(body.streamId);
    const { body: keys } = await keySet(usher);
    const { payload } = await jwtVerify(renewed.body.lease, createLocalJWKSet(keys));
    expect(payload).toMatchObject({ ver: 2, cap: { maxStreams: 1 } });
  });

  test('writes nothing while more than half of the slot’s life is left, and its lease ends with the slot', async () => {
    await subscribe(usher, 'cid');
    const { body } = await startStream(usher, 'cid');
    const leave = async (seconds: number) => {
      await usher.database.query(
        `UPDATE stream SET slot_until = now() + $2 * interval '1 second' WHERE stream_id = $1`,
        [body.streamId, seconds],
      );
      return slotUntil(body.streamId);
    };
    const renewed = async (node: TestUsher) => {
      const reply = await renewStream(node, body.streamId);
      expect(reply.status).toBe(200);
      return Date.parse(reply.body.expiresAt);
    };
    for (const node of [usher, other]) {
      const until = await leave(LEASE_SECONDS * 0.7);
      const expiresAt = await renewed(node);
      expect(await slotUntil(body.streamId)).toBe(until);
      expect(expiresAt).toBeLessThanOrEqual(until);
      expect(expiresAt).toBeGreaterThan(until - 3_000);
    }
    const before = await leave(LEASE_SECONDS * 0.4);
    const expiresAt = await renewed(usher);
    const until = await slotUntil(body.streamId);
    expect(until).toBeGreaterThan(before + LEASE_SECONDS * 500);
    expect(expiresAt).toBeLessThanOrEqual(until);
    // A heartbeat so soon after it costs nothing, and neither does the next call.
    const tv = await usher.device('cid', 'cid-tv');
    expect((await tv.heartbeat({ streamId: body.streamId })).ok).toBe(true);
    await renewed(usher);
    expect(await slotUntil(body.streamId)).toBe(until);
  });

  test('of an unknown stream is rejected with 404', async () => {
    expectProblem(await renewStream(usher, 'no-such-stream'), 404, 'not_found');
  });

  test('by a heartbeat of its user’s device keeps the slot; a heartbeat of another user does not', async () => {
    await subscribe(usher, 'dan', 'solo');
    const { body } = await startStream(usher, 'dan');
    await usher.database.query(
      `UPDATE stream SET slot_until = now() + interval '10 seconds' WHERE stream_id = $1`,
      [body.streamId],
    );
    const before = await slotUntil(body.streamId);
    const mallory = await usher.device('mallory', 'mallory-web');
    const tv = await usher.device('dan', 'dan-tv');
    expect((await mallory.heartbeat({ streamId: body.streamId })).ok).toBe(true);
    expect((await mallory.heartbeat({ streamId: 'what\u0000ever' })).ok).toBe(true);
    // A heartbeat for mallory's own stream, queued after the one for the foreign stream.
    const { body: own } = await (async () => {
      await subscribe(usher, 'mallory', 'solo');
      return startStream(usher, 'mallory', { deviceId: 'mallory-web' });
    })();
    await usher.database.query(
      `UPDATE stream SET slot_until = now() + interval '10 seconds' WHERE stream_id = $1`,
      [own.streamId],
    );
    const ownBefore = await slotUntil(own.streamId);
    await mallory.heartbeat({ streamId: own.streamId });
    await eventually(
      'mallory’s heartbeat renewed her own stream',
      async () => (await slotUntil(own.streamId)) > ownBefore,
    );
    expect(await slotUntil(body.streamId)).toBe(before);
    await tv.heartbeat({ streamId: body.streamId });
    await eventually(
      'the heartbeat renewed the stream',
      async () => (await slotUntil(body.streamId)) > before,
    );
  });
});
