import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import pg from 'pg';
import { isSampled } from '../../../src/broadcasts/receipts/receipt-sample.js';
import type { Device, DeviceOptions } from '../../support/drivers/device.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';

/** The second node is started when something is in force already. */
let a: TestUsher;
let b: TestUsher;
beforeAll(async () => {
  a = await startUsher({ BROADCAST_RECEIPT_SAMPLE: '3' });
});
afterAll(() => a.stop());
const devices: Device[] = [];
/** Connects a device that is closed after its test. */
async function connect(
  node: TestUsher,
  user: string,
  id = 'tv',
  options: DeviceOptions = {},
): Promise<Device> {
  const device = await node.device(user, id, options);
  devices.push(device);
  return device;
}

/** None stays in force, and no node sends it any more: devices of other tests would get it. */
afterEach(async () => {
  for (const device of devices.splice(0)) device.close();
  await a.database.query(
    `WITH changed AS (UPDATE broadcast_counter SET last = last + 1)
     UPDATE broadcast SET withdrawn_at = now() WHERE withdrawn_at IS NULL`,
  );
  for (const node of [a, b])
    await eventually('nothing is in force', async () => (await inForce(node)).length === 0);
});
const inForce = async (node: TestUsher): Promise<unknown[]> =>
  ((await node.state('nobody')) as unknown as { broadcasts: { entries: unknown[] } }).broadcasts.entries;

interface Published {
  readonly id: string;
  readonly number: number;
}
async function publish(fields: Record<string, unknown> = {}, node = a): Promise<Published> {
  const body = { type: 'notice', data: { text: 'hello' }, ...fields };
  const reply = await node.backOffice.call('POST', '/v1/broadcasts', body);
  expect(reply).toMatchObject({ status: 202 });
  return reply.body as unknown as Published;
}
const withdraw = (id: string) =>
  a.backOffice.call('DELETE', `/v1/broadcasts/${id}`, undefined, { 'usher-reason': 'a test' });
const read = async (id: string) => (await a.backOffice.call('GET', `/v1/broadcasts/${id}`)).body;
const numbers = (device: Device) => device.envelopes('notice').map(({ broadcast }) => broadcast);
const hasNumber = (device: Device, number: number) =>
  device.waitFor('notice', ({ broadcast }) => broadcast === number);
/** Returns the `auth` of a device that has read so far. */
const after = ({ number }: Published) => ({ epoch: epochOf(a), broadcast: String(number) });
const epochOf = ({ database }: TestUsher) => new URL(database.url).pathname.slice(1);

test('what is in force is sent by a node that was started later', async () => {
  const published = await publish();
  b = await a.another();
  const device = await connect(b, 'early', 'tv');
  await hasNumber(device, published.number);
  expect(device.received.map(({ event }) => event)).toEqual(['welcome', 'snapshot', 'notice']);
  expect(device.received[0]?.payload).toMatchObject({ broadcast: published.number });
});

test('every device that is connected gets each broadcast once and in order, whichever node it is published by', async () => {
  const all = [
    ...(await Promise.all(['ann', 'ben', 'cid'].map((user) => connect(a, user, `${user}-a`)))),
    ...(await Promise.all(['ann', 'dan', 'eve'].map((user) => connect(b, user, `${user}-b`)))),
  ];
  const published: Published[] = [];
  for (let n = 0; n < 12; n += 1) published.push(await publish({ data: { n } }, n % 2 === 0 ? a : b));
  const last = published.at(-1) as Published;
  for (const device of all) {
    await hasNumber(device, last.number);
    expect(device.envelopes('notice').map(({ broadcast, data }) => [broadcast, data.n])).toEqual(
      published.map(({ number }, n) => [number, n]),
    );
  }
  const [first] = all[0]?.envelopes('notice') ?? [];
  expect(first).toMatchObject({ id: published[0]?.id, tier: 'important', epoch: epochOf(a) });
  expect(first).toHaveProperty('expiresAt');
  expect(first).not.toHaveProperty('offset');
});

test('a device that was away gets what came after its number and is still in force, once', async () => {
  const seen = await publish();
  const [old, kept, gone, expired] = [
    await publish({ key: 'banner', data: 'old' }),
    await publish(),
    await publish(),
    await publish({ expiresAt: new Date(Date.now() + 3_600_000).toISOString() }),
  ];
  const newer = await publish({ key: 'banner', data: 'new' });
  await withdraw(gone.id);
  await a.database.query('UPDATE broadcast SET expires_at = now() WHERE id = $1', [expired.id]);
  const last = await publish();
  // A change makes the nodes read the log again.
  for (const node of [a, b]) {
    const known = await connect(node, 'fay', `fay-${node.url.slice(-4)}`, { auth: after(seen) });
    await hasNumber(known, last.number);
    expect(numbers(known)).toEqual([kept, newer, last].map(({ number }) => number));
  }
  expect(await read(old.id)).toMatchObject({ state: 'superseded', supersededBy: newer.number });
  expect(await read(gone.id)).toMatchObject({ state: 'withdrawn' });
  expect(await read(expired.id)).toMatchObject({ state: 'expired' });
});

test('a device without a number, or with one of another epoch, gets all that is in force, and one that has all gets nothing', async () => {
  const [one, two] = [await publish(), await publish()];
  const all = [one.number, two.number];
  const fresh = await connect(a, 'gus', 'fresh');
  const foreign = await connect(b, 'gus', 'foreign', { auth: { epoch: 'other', broadcast: 99 } });
  const upToDate = await connect(a, 'gus', 'up-to-date', { auth: after(two) });
  for (const device of [fresh, foreign]) {
    await hasNumber(device, two.number);
    expect(numbers(device)).toEqual(all);
  }
  // `sync` repeats what comes after the number that it names; without one, nothing that was sent.
  await fresh.request('sync', { epoch: epochOf(a), offset: 0 });
  await fresh.request('sync', { epoch: epochOf(a), offset: 0, broadcast: one.number });
  await eventually('the second is repeated', () => numbers(fresh).length === 3);
  expect(numbers(fresh)).toEqual([...all, two.number]);
  expect(numbers(upToDate)).toEqual([]);
});

test('a device pays for the broadcasts that a `sync` repeats: half as many are allowed', async () => {
  const { number } = await publish();
  const device = await connect(a, 'gia', 'tv');
  await hasNumber(device, number);
  const sync = () => device.request('sync', { epoch: epochOf(a), offset: 0, broadcast: number - 1 });
  let allowed = 0;
  while (allowed < 25 && (await sync()).ok) allowed += 1;
  expect(allowed).toBeLessThan(25);
  expect(allowed).toBeGreaterThanOrEqual(15);
});

/** Writes broadcasts as a node does that tells nobody. Returns the number of the last one. */
async function fill(count: number, data: unknown): Promise<number> {
  const [row] = await a.database.query<{ last: string }>(
    `WITH counter AS (UPDATE broadcast_counter SET last = last + $2 RETURNING last), filled AS (
       INSERT INTO broadcast (number, id, type, data, sample, expires_at, key_id)
       SELECT c.last - n, gen_random_uuid(), 'notice', $1::json, 1, now() + interval '1 hour', 'key'
       FROM counter c, generate_series(0, $2::int - 1) n
     )
     SELECT last FROM counter`,
    [JSON.stringify(data), count],
  );
  return Number(row?.last);
}

test('a message between nodes that is lost only delays a broadcast', async () => {
  const device = await connect(b, 'hal', 'tv');
  await hasNumber(device, await fill(1, {}));
});

test('one user in so many is counted, or everyone, and what is counted is multiplied', async () => {
  const users = Array.from({ length: 12 }, (_, n) => `sampled-${n}`);
  const isCounted = (user: string) => isSampled(user, 3);
  // The first device acknowledges nothing.
  const connectNth = (user: string, n: number) => connect(n % 2 === 0 ? a : b, user, 'tv', { acks: n !== 0 });
  const connected = await Promise.all(users.slice(0, 6).map(connectNth));
  const [sample, all] = [await publish(), await publish({ receipts: 'all' })];
  const later = await Promise.all(users.slice(6).map((user, n) => connectNth(user, n + 6)));
  await Promise.all([...connected, ...later].map((device) => hasNumber(device, all.number)));
  const sent = users.filter(isCounted).length;
  const received = users.slice(1).filter(isCounted).length;
  expect([sent > 0, sent < users.length]).toEqual([true, true]);
  const isEqual = async ({ id }: Published, counts: unknown) =>
    isDeepStrictEqual((await read(id)).counts, counts);
  await eventually('those of the sample are counted', () =>
    isEqual(sample, {
      sampled: { of: 3, sent, received },
      estimated: { sent: 3 * sent, received: 3 * received },
    }),
  );
  const total = { sent: users.length, received: users.length - 1 };
  await eventually('all are counted', () => isEqual(all, { sampled: { of: 1, ...total }, estimated: total }));
});

test('a withdrawal is told by the audit, has a reason, and is known by the number that it takes', async () => {
  const { id, number } = await publish();
  const { status, body } = await a.backOffice.call('DELETE', `/v1/broadcasts/${id}`);
  expect([status, body.code]).toEqual([400, 'invalid_request']);
  expect((await withdraw(id)).status).toBe(204);
  expect((await withdraw(id)).status).toBe(204);
  expect((await withdraw(randomUUID())).body).toMatchObject({ code: 'not_found' });
  const { body: audit } = await a.backOffice.call('GET', '/v1/audit?action=broadcast.withdraw&limit=2');
  const entry = { actor: { kind: 'key' }, target: { kind: 'broadcast', id }, reason: 'a test' };
  expect(audit.entries).toMatchObject([
    { ...entry, result: 'unchanged' },
    { ...entry, before: { state: 'in_force' }, after: { state: 'withdrawn' }, result: 'done' },
  ]);
  expect((await publish()).number).toBeGreaterThan(number + 1);
});

test('an app that reads over HTTP has it in the state, in the envelopes of the socket', async () => {
  const published = await publish();
  const device = await connect(a, 'ida', 'tv');
  const envelope = await hasNumber(device, published.number);
  const state = await a.state('ida');
  expect(state).toMatchObject({ broadcasts: { number: published.number, entries: [envelope] } });
  const snapshot = device.received.find(({ event }) => event === 'snapshot');
  expect(snapshot?.payload).not.toHaveProperty('broadcasts');
});

test('an event stream resumes both after its Last-Event-ID', async () => {
  const headers = { authorization: `Bearer ${await a.token('jan')}` };
  const listen = async (lastEventId: string) => {
    const controller = new AbortController();
    const response = await fetch(`${a.url}/v1/me/events`, {
      headers: { ...headers, ...(lastEventId && { 'last-event-id': lastEventId }) },
      signal: controller.signal,
    });
    let text = '';
    void (async () => {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
        text += Buffer.from(chunk).toString();
    })().catch(() => undefined);
    return { text: () => text, close: () => controller.abort() };
  };
  const one = await publish({ type: 'notice.one' });
  const first = await listen('');
  const id = `${epochOf(a)}:0:${one.number}`;
  await eventually('the stream has it', () => first.text().includes(`id: ${id}\nevent: notice.one\n`));
  first.close();
  const two = await publish({ type: 'notice.two' });
  const second = await listen(id);
  const next = `id: ${epochOf(a)}:0:${two.number}\nevent: notice.two\n`;
  await eventually('the stream goes on', () => second.text().includes(next));
  expect(second.text()).not.toContain('notice.one');
  second.close();
});

test('publications that wait for one whose node vanished keep no device from connecting', async () => {
  const vanished = new pg.Client({ connectionString: a.database.url });
  await vanished.connect();
  await vanished.query('BEGIN');
  await vanished.query('UPDATE broadcast_counter SET last = last');
  const waiting = Promise.all(Array.from({ length: 6 }, (_, n) => publish({ data: n })));
  try {
    await eventually('they wait', async () => {
      const { rows } = await vanished.query('SELECT FROM pg_locks WHERE NOT granted');
      return rows.length > 0;
    });
    await connect(a, 'lea', 'tv');
  } finally {
    await vanished.end(); // which ends its transaction
  }
  expect(await waiting).toHaveLength(6);
});

test('a call that is repeated with its Idempotency-Key publishes once', async () => {
  const call = () =>
    a.backOffice.call(
      'POST',
      '/v1/broadcasts',
      { type: 'notice', data: 1 },
      { 'idempotency-key': 'broadcast-1' },
    );
  const [first, second] = [await call(), await call()];
  expect(second.body).toEqual(first.body);
  expect(second.headers.get('idempotent-replayed')).toBe('true');
});

test('what cannot be published is refused, and says why', async () => {
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
  const refused: [Record<string, unknown>, number, string][] = [
    [{ type: 'membership.changed' }, 422, 'reserved_type'],
    [{ type: 'welcome' }, 422, 'reserved_type'],
    [{ type: 'No type' }, 400, 'invalid_request'],
    [{ data: undefined }, 400, 'invalid_request'],
    [{ data: 'x'.repeat(16_384) }, 413, 'payload_too_large'],
    [{ data: 'half a pair: \ud800' }, 400, 'invalid_request'],
    [{ expiresAt: inDays(-1) }, 400, 'invalid_request'],
    [{ expiresAt: inDays(31) }, 400, 'invalid_request'],
    [{ key: '' }, 400, 'invalid_request'],
    // It would take the place of what a campaign tells everyone.
    [{ key: 'campaign:advent' }, 422, 'reserved_key'],
    [{ receipts: 'none' }, 400, 'invalid_request'],
    [{ userId: 'ada' }, 400, 'invalid_request'],
    [{ tier: 'critical' }, 400, 'invalid_request'],
  ];
  for (const [fields, status, code] of refused) {
    const body = { type: 'notice', data: {}, ...fields };
    const reply = await a.backOffice.call('POST', '/v1/broadcasts', body);
    expect([fields, reply.status, reply.body.code]).toEqual([fields, status, code]);
  }
  for (const path of ['/v1/broadcasts/nope', '/v1/broadcasts?before=nope'])
    expect((await a.backOffice.call('GET', path)).body.code).toBe('invalid_request');
  const { body: key } = await a.backOffice.call('POST', '/v1/keys', { name: 'reader', scopes: ['read'] });
  const call = await fetch(`${a.url}/v1/broadcasts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${String(key.key)}`, 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'notice', data: {} }),
  });
  expect(call.status).toBe(403);
});

test('as many are in force as devices are sent at once, and one that supersedes another is not one more', async () => {
  await fill(15, 'x'.repeat(16_000));
  const data = 'x'.repeat(16_000);
  await publish({ key: 'large', data });
  const tooLarge = await a.backOffice.call('POST', '/v1/broadcasts', { type: 'notice', data });
  expect(tooLarge).toMatchObject({ status: 409, body: { code: 'conflict' } });
  const { number } = await publish({ key: 'large', data });
  const device = await connect(a, 'kim', 'tv');
  await hasNumber(device, number);
  expect(numbers(device)).toHaveLength(16);
  await fill(84, '');
  const tooMany = await a.backOffice.call('POST', '/v1/broadcasts', { type: 'notice', data: 0 });
  expect(tooMany).toMatchObject({ status: 409, body: { code: 'conflict' } });
  const { body: page } = await a.backOffice.call('GET', '/v1/broadcasts?limit=2');
  const { body: rest } = await a.backOffice.call('GET', `/v1/broadcasts?limit=2&before=${String(page.next)}`);
  const listed = [page, rest].flatMap(({ broadcasts }) => broadcasts as Published[]);
  expect(listed.map(({ number }) => number)).toEqual(
    listed.map(({ number }) => number).toSorted((x, y) => y - x),
  );
  expect(new Set(listed.map(({ id }) => id)).size).toBe(4);
});
