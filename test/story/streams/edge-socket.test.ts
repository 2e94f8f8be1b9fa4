import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectEdge, type EdgeOptions, type EdgeSocket } from '../../support/drivers/edge-socket.js';
import { connectionError } from '../../support/drivers/observed-socket.js';
import { cancel, putPlans, renewStream, startStream, subscribe } from '../../support/drivers/subscribers.js';
import { ADMIN_KEY, startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';

let usher: TestUsher;
let other: TestUsher;
let key: string;
let keyId: string;
const edges: EdgeSocket[] = [];
beforeAll(async () => {
  usher = await startUsher({ ACK_TIMEOUT_SECONDS: '1' });
  other = await usher.another();
  await putPlans(usher);
  ({ key, id: keyId } = await newKey(['edge']));
});
afterAll(() => {
  for (const edge of edges) edge.close();
  return usher.stop();
});

async function newKey(scopes: string[]): Promise<{ key: string; id: string }> {
  const { body } = await usher.backOffice.call('POST', '/v1/keys', { name: 'edge', scopes });
  return { key: String(body.key), id: String(body.id) };
}
async function edge(node: TestUsher, edgeId: string, options: EdgeOptions = {}): Promise<EdgeSocket> {
  const connected = await connectEdge(node.url, key, { edgeId, ...options });
  edges.push(connected);
  return connected;
}
const pendingNotices = (edgeId: string) =>
  usher.database.query<{ type: string }>('SELECT type FROM edge_notice WHERE edge_id = $1', [edgeId]);
const waitUntilSettled = (edgeId: string) =>
  eventually('no notice waits for the edge node', async () => (await pendingNotices(edgeId)).length === 0);

describe('an edge node', () => {
  test('needs a key with the scope “edge” and an edge id', async () => {
    const { key: publisher } = await newKey(['publish']);
    const refusals: [Record<string, unknown>, string][] = [
      [{ key: publisher }, 'forbidden'],
      [{ key: 'usk_0123456789abcdef_0123456789012345678901234567890123456789012' }, 'unauthorized'],
      [{ key: undefined }, 'unauthorized'],
      [{ key: { a: 1 } }, 'unauthorized'],
      [{ edgeId: undefined }, 'invalid_request'],
      [{ edgeId: 'two words' }, 'invalid_request'],
      [{ key: undefined, token: await usher.token('ann') }, 'unauthorized'],
    ];
    for (const [auth, code] of refusals) {
      const error = await connectionError(connectEdge(usher.url, key, { auth }));
      expect(error).toEqual({ code, message: expect.any(String), retryable: false });
    }
    (await connectEdge(usher.url, ADMIN_KEY)).close();
  });

  test('whose key is revoked is disconnected within two seconds on every node', async () => {
    const { key: shortLived, id } = await newKey(['edge']);
    const here = await connectEdge(usher.url, shortLived);
    const there = await connectEdge(other.url, shortLived);
    const stays = await edge(other, 'edge-stays');
    const since = Date.now();
    await usher.backOffice.call('DELETE', `/v1/keys/${id}`);
    expect(await Promise.all([here.disconnected(), there.disconnected()])).toEqual([
      'io server disconnect',
      'io server disconnect',
    ]);
    expect(Date.now() - since).toBeLessThan(2_000);
    expect(stays.socket.connected).toBe(true);
    expect(await connectionError(connectEdge(usher.url, shortLived))).toMatchObject({
      code: 'unauthorized',
    });
  });

  test('is told at once on every connection that one of its streams must stop, whichever node received the change', async () => {
    const here = await edge(usher, 'edge-ann');
    const there = await edge(other, 'edge-ann');
    const stranger = await edge(other, 'edge-stranger');
    await subscribe(usher, 'ann');
    const { body } = await startStream(usher, 'ann', { edgeId: 'edge-ann' });
    await cancel(usher, 'ann');
    for (const one of [here, there]) {
      expect(await one.waitFor('stream.stop')).toEqual({
        streamId: body.streamId,
        userId: 'ann',
        deviceId: 'ann-tv',
        reason: 'membership',
        version: 2,
      });
      expect(await one.waitFor('entitlement.changed', ({ streaming }) => streaming === false)).toEqual({
        userId: 'ann',
        version: 2,
        streaming: false,
      });
    }
    expect(stranger.received.some(({ event }) => event === 'stream.stop')).toBe(false);
    await waitUntilSettled('edge-ann');
  });

  test('is told of every user who may stream now but could not before, or the reverse', async () => {
    const any = await edge(other, 'edge-any');
    await subscribe(usher, 'bob');
    expect(await any.waitFor('entitlement.changed', ({ userId }) => userId === 'bob')).toEqual({
      userId: 'bob',
      version: 1,
      streaming: true,
    });
    await subscribe(usher, 'bob', 'solo');
    await cancel(usher, 'bob');
    await any.waitFor('entitlement.changed', ({ userId, streaming }) => userId === 'bob' && !streaming);
    const versions = any.received
      .filter(({ payload }) => payload.userId === 'bob')
      .map(({ payload }) => payload.version);
    expect(versions).toEqual([1, 3]);
  });

  test('is sent a notice again until it acknowledges it', async () => {
    const silentEdge = await edge(usher, 'edge-mute', { acks: false });
    await subscribe(usher, 'cal');
    const { body } = await startStream(usher, 'cal', { edgeId: 'edge-mute' });
    await cancel(usher, 'cal');
    const stops = () => silentEdge.received.filter(({ event }) => event === 'stream.stop');
    await eventually('it is sent twice', () => stops().length >= 2);
    expect(new Set(stops().map(({ payload }) => payload.streamId))).toEqual(new Set([body.streamId]));
    expect(await pendingNotices('edge-mute')).toHaveLength(2);
    silentEdge.close();
    const back = await edge(other, 'edge-mute');
    expect(await back.waitFor('stream.stop')).toMatchObject({ streamId: body.streamId });
    await waitUntilSettled('edge-mute');
  });

  test('that was disconnected learns when it returns which of its streams ended', async () => {
    await subscribe(usher, 'dan');
    await subscribe(usher, 'dora');
    const ended = await startStream(usher, 'dan', { edgeId: 'edge-dan' });
    const running = await startStream(usher, 'dora', { edgeId: 'edge-dan' });
    await cancel(usher, 'dan');
    const back = await edge(other, 'edge-dan');
    const streamIds = [ended.body.streamId, running.body.streamId, 'never-heard-of'];
    expect(await back.request('streams', { streamIds })).toEqual({
      ok: true,
      stop: [ended.body.streamId, 'never-heard-of'],
    });
    expect(await back.request('streams', { streamIds: [] })).toEqual({ ok: true, stop: [] });
    expect((await renewStream(usher, running.body.streamId)).status).toBe(200);
  });

  test('that sends an invalid request receives an error and stays connected', async () => {
    const edgeNode = await edge(usher, 'edge-odd');
    const tooMany = Array.from({ length: 501 }, (_, n) => `s${n}`);
    for (const payload of [
      undefined,
      7,
      { streamIds: 'x' },
      { streamIds: ['a b'] },
      { streamIds: tooMany },
    ]) {
      const reply = await edgeNode.request('streams', payload);
      expect(reply).toMatchObject({ ok: false, error: { code: 'invalid_request', retryable: false } });
    }
    expect((await edgeNode.request('streams', { streamIds: [] })).ok).toBe(true);
  });

  test('receives a stop even when the message between the nodes was lost', async () => {
    const there = await edge(other, 'edge-eve');
    await subscribe(usher, 'eve');
    const { body } = await startStream(usher, 'eve', { edgeId: 'edge-eve' });
    // What a node leaves behind when it dies between its commit and the message.
    await usher.database.query(
      `INSERT INTO edge_notice (edge_id, key, id, type, data) VALUES ('edge-eve', $1, gen_random_uuid(), 'stream.stop', $2)`,
      [`stream:${body.streamId}`, JSON.stringify({ streamId: body.streamId })],
    );
    expect(await there.waitFor('stream.stop')).toEqual({ streamId: body.streamId });
    await waitUntilSettled('edge-eve');
  });

  test('receives its stops although another edge node acknowledges none of a thousand', async () => {
    await usher.database.query(
      `INSERT INTO edge_notice (edge_id, key, id, type, data, created_at)
       SELECT 'edge-jam', 'stream:jam-' || n, gen_random_uuid(), 'stream.stop', json_build_object('streamId', 'jam-' || n),
         now() - interval '1 hour' FROM generate_series(1, 1200) n`,
    );
    await edge(other, 'edge-jam', { acks: false });
    const there = await edge(other, 'edge-fay');
    await usher.database.query(
      `INSERT INTO edge_notice (edge_id, key, id, type, data)
       VALUES ('edge-fay', 'stream:fay', gen_random_uuid(), 'stream.stop', '{"streamId":"fay"}')`,
    );
    expect(await there.waitFor('stream.stop')).toEqual({ streamId: 'fay' });
    await waitUntilSettled('edge-fay');
    await usher.database.query(`DELETE FROM edge_notice WHERE edge_id = 'edge-jam'`);
  });

  test('is disconnected by a stopping node in a way after which clients reconnect by themselves', async () => {
    const node = await usher.another();
    const away = await edge(node, 'edge-drain');
    await node.kill('SIGTERM');
    expect(await away.disconnected()).not.toBe('io server disconnect');
  });

  test('cannot connect as a device with its key', async () => {
    const error = await usher.device('ann', 'ann-web', { auth: { token: key } }).then(
      () => 'let in',
      (error: { data?: { code?: string } }) => error.data?.code,
    );
    expect(error).toBe('token_invalid');
    expect(keyId).toMatch(/^\w{16}$/);
  });
});
