import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call, type HttpReply, PREMIUM } from '../../support/drivers/back-office.js';
import { ADMIN_KEY, startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectCleanLog, expectNoSecrets, expectProblem } from '../../support/expectations.js';

type Scope = 'publish' | 'recommendations' | 'edge' | 'read' | 'support' | 'operate' | 'admin';
const SCOPES: readonly Scope[] = [
  'publish',
  'recommendations',
  'edge',
  'read',
  'support',
  'operate',
  'admin',
];
/** Of the scopes for people each includes the ones before it. */
const FOR_PEOPLE = SCOPES.slice(3);
const including = (scope: Scope): readonly Scope[] =>
  FOR_PEOPLE.includes(scope) ? FOR_PEOPLE.slice(FOR_PEOPLE.indexOf(scope)) : [scope];
const used: Record<string, string> = { ADMIN_KEY };

let usher: TestUsher;
let keys: Record<Scope, string>;
beforeAll(async () => {
  usher = await startUsher();
  const created = await Promise.all(
    SCOPES.map(async (scope) => [scope, (await newKey([scope])).key] as const),
  );
  keys = Object.fromEntries(created) as Record<Scope, string>;
});
afterAll(() => usher.stop());

async function newKey(scopes: readonly Scope[]): Promise<{ id: string; key: string }> {
  const { status, body } = await usher.backOffice.call('POST', '/v1/keys', {
    name: `key for ${scopes.join(' and ')}`,
    scopes,
  });
  expect(status).toBe(201);
  used[`key ${String(body.id)}`] = String(body.key);
  return { id: String(body.id), key: String(body.key) };
}

/** All keys, page by page. */
async function everyKey(limit: number): Promise<Record<string, unknown>[]> {
  const all: Record<string, unknown>[] = [];
  for (let before = '', pages = 0; pages < 100; pages += 1) {
    const { body } = await usher.backOffice.call('GET', `/v1/keys?limit=${limit}${before}`);
    all.push(...(body.keys as Record<string, unknown>[]));
    if (body.next === undefined) return all;
    before = `&before=${body.next as string}`;
  }
  throw new Error('the list has no end');
}

interface Endpoint {
  readonly scope: Scope;
  send(key: string | undefined): Promise<HttpReply>;
}
const endpoint = (scope: Scope, method: string, path: string, body?: unknown): [string, Endpoint] => [
  `${method} ${path}`,
  { scope, send: (key) => call(usher.url, key, method, path, body, { 'usher-reason': 'a test' }) },
];
const event = { userId: 'ann', type: 'note.added', tier: 'important', data: {} };
const ENDPOINTS = [
  endpoint('publish', 'POST', '/v1/events', { events: [event] }),
  endpoint('recommendations', 'POST', '/v1/recommendations', '{"userId":"ann","version":1,"items":[]}\n'),
  endpoint('edge', 'GET', '/v1/users/ann/entitlement'),
  endpoint('operate', 'PUT', '/v1/plans/basic', { name: 'basic', prices: [], capabilities: PREMIUM }),
  endpoint('operate', 'PUT', '/v1/users/ann/links/stripe', { customerId: 'cus_ann' }),
  endpoint('read', 'GET', '/v1/webhooks'),
  endpoint('read', 'GET', '/v1/users/ann/timeline'),
  endpoint('support', 'POST', '/v1/users/ann/revocations', {}),
  endpoint('support', 'DELETE', '/v1/users/ann/streams'),
  endpoint('read', 'GET', '/v1/audit'),
  endpoint('admin', 'GET', '/v1/audit/export'),
  endpoint('admin', 'POST', '/v1/keys', { name: 'more', scopes: ['publish'] }),
  endpoint('admin', 'DELETE', '/v1/keys/0000000000000000'),
  endpoint('admin', 'GET', '/v1/keys'),
];

describe.each(ENDPOINTS)('%s', (_, { scope, send }) => {
  test('rejects requests without a key and with keys that were never created', async () => {
    const validKey = keys[scope];
    const unknownKeys = [
      'usk_0000000000000000_' + 'x'.repeat(43),
      validKey.slice(0, -1),
      `${validKey}x`,
      validKey.toUpperCase(),
      `${ADMIN_KEY}x`,
      ADMIN_KEY.slice(0, -1),
      'undefined',
      '*',
    ];
    for (const key of [undefined, ...unknownKeys]) {
      const reply = await send(key);
      expectProblem(reply, 401, 'unauthorized');
      expect(reply.headers.get('www-authenticate')).toBe('Bearer');
      expectNoSecrets(used, JSON.stringify(reply.body));
    }
  });

  test('rejects a key made of one key’s id and another key’s secret', async () => {
    const [, id] = keys[scope].split('_');
    const other = SCOPES.find((one) => one !== scope) as Scope;
    const secret = keys[other].split('_').slice(2).join('_');
    expectProblem(await send(`usk_${id}_${secret}`), 401, 'unauthorized');
  });

  test('rejects a user token', async () => {
    expectProblem(await send(await usher.token('ann')), 401, 'unauthorized');
  });

  test(`rejects every key without the scope ${scope}`, async () => {
    const others = SCOPES.filter((one) => !including(scope).includes(one));
    for (const other of others) expectProblem(await send(keys[other]), 403, 'forbidden');
    const { key } = await newKey(others);
    expectProblem(await send(key), 403, 'forbidden');
  });

  test(`accepts a key with the scope ${scope} or one that includes it, and the ADMIN_KEY, which has every scope`, async () => {
    for (const key of [...including(scope).map((one) => keys[one]), ADMIN_KEY]) {
      const { status } = await send(key);
      expect([401, 403]).not.toContain(status);
      expect(status).toBeLessThan(500);
    }
  });

  test('rejects a revoked key', async () => {
    const { id, key } = await newKey([scope]);
    expect([401, 403]).not.toContain((await send(key)).status);
    expect((await usher.backOffice.call('DELETE', `/v1/keys/${id}`)).status).toBe(204);
    expectProblem(await send(key), 401, 'unauthorized');
  });
});

describe('a service key', () => {
  test('that was revoked stays revoked, and a second revocation returns not_found', async () => {
    const { id } = await newKey(['publish']);
    expect((await usher.backOffice.call('DELETE', `/v1/keys/${id}`)).status).toBe(204);
    expectProblem(await usher.backOffice.call('DELETE', `/v1/keys/${id}`), 404, 'not_found');
  });

  test('that was revoked on one node is rejected by the others within seconds', async () => {
    const other = await usher.another();
    const { id, key } = await newKey(['edge']);
    const ask = () => call(other.url, key, 'GET', '/v1/users/ann/entitlement');
    expect((await ask()).status).toBe(200);
    await usher.backOffice.call('DELETE', `/v1/keys/${id}`);
    for (const deadline = Date.now() + 10_000; (await ask()).status !== 401;)
      expect(Date.now()).toBeLessThan(deadline);
  });

  test.each([
    ['no scope', { scopes: [] }],
    ['an unknown scope', { scopes: ['publish', 'everything'] }],
    ['scopes that are not a list', { scopes: 'admin' }],
    ['no name', { name: '' }],
    ['a name that is too long', { name: 'x'.repeat(101) }],
    ['a name with a zero character', { name: 'a\u0000b' }],
    ['an end in the past', { expiresAt: '2026-01-01T00:00:00Z' }],
    ['an end that is no time', { expiresAt: 'soon' }],
  ])('is not created with %s', async (_, wrong) => {
    expectProblem(
      await usher.backOffice.call('POST', '/v1/keys', { name: 'key', scopes: ['publish'], ...wrong }),
      400,
      'invalid_request',
    );
  });

  test('is created once by a repeated request with an Idempotency-Key, with the same response', async () => {
    const make = () =>
      usher.backOffice.call(
        'POST',
        '/v1/keys',
        { name: 'once', scopes: ['publish'] },
        { 'idempotency-key': 'make a key' },
      );
    const first = await make();
    const again = await make();
    used['key made once'] = String(first.body.key);
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(await usher.database.query(`SELECT id FROM service_key WHERE name = 'once'`)).toHaveLength(1);
  });

  test('is listed with what it is for, when it was used and that it was revoked, and never with its secret', async () => {
    const { id, key } = await newKey(['read']);
    const found = async () => (await usher.backOffice.call('GET', `/v1/keys/${id}`)).body;
    expect(await found()).toEqual({
      id,
      name: 'key for read',
      scopes: ['read'],
      createdAt: expect.stringMatching(/Z$/),
      expiresAt: null,
      lastUsedAt: null,
      revokedAt: null,
    });
    expect((await call(usher.url, key, 'GET', '/v1/webhooks')).status).toBe(200);
    await eventually('its use is written', async () => typeof (await found()).lastUsedAt === 'string');
    await usher.backOffice.call('DELETE', `/v1/keys/${id}`);
    expect((await found()).revokedAt).toEqual(expect.stringMatching(/Z$/));
    const all = await everyKey(7);
    expect(all.filter((one) => one.id === id)).toEqual([await found()]);
    expect(all.map((one) => String(one.createdAt))).toEqual(
      all
        .map((one) => String(one.createdAt))
        .sort()
        .reverse(),
    );
    expectNoSecrets(used, JSON.stringify(all));
    expect(JSON.stringify(all)).not.toMatch(/hash/);
  });

  test('that does not exist is not_found, and a cursor that is none is an invalid_request', async () => {
    expectProblem(await usher.backOffice.call('GET', '/v1/keys/0000000000000000'), 404, 'not_found');
    expectProblem(await usher.backOffice.call('GET', '/v1/keys/nonsense'), 404, 'not_found');
    for (const before of ['nonsense', 'WzFd', ''])
      expectProblem(await usher.backOffice.call('GET', `/v1/keys?before=${before}`), 400, 'invalid_request');
  });

  test('that has expired is refused like an unknown one, within seconds and wherever it was known', async () => {
    const { body } = await usher.backOffice.call('POST', '/v1/keys', {
      name: 'for a while',
      scopes: ['read'],
      expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
    });
    const key = String(body.key);
    used['key for a while'] = key;
    const ask = () => call(usher.url, key, 'GET', '/v1/webhooks');
    expect((await ask()).status).toBe(200);
    expect((await usher.backOffice.call('GET', `/v1/keys/${String(body.id)}`)).body.expiresAt).toBe(
      body.expiresAt,
    );
    await usher.database.query('UPDATE service_key SET expires_at = now() WHERE id = $1', [body.id]);
    await eventually('the key is refused', async () => (await ask()).status === 401);
    expectProblem(await ask(), 401, 'unauthorized');
  });

  test('ends to the millisecond where it is known: a node that remembers it does not ask again', async () => {
    const { body } = await usher.backOffice.call('POST', '/v1/keys', {
      name: 'for a moment',
      scopes: ['read'],
      expiresAt: new Date(Date.now() + 400).toISOString(),
    });
    used['key for a moment'] = String(body.key);
    const ask = () => call(usher.url, String(body.key), 'GET', '/v1/webhooks');
    await eventually('the key is refused', async () => (await ask()).status === 401);
    expect(Date.now()).toBeLessThan(Date.parse(String(body.expiresAt)) + 1_000);
  });

  test('is never stored in a usable form', async () => {
    const tables = await usher.database.query<{ name: string }>(
      `SELECT format('%I', tablename) AS name FROM pg_tables WHERE schemaname = 'public'`,
    );
    for (const { name } of tables) {
      const rows = await usher.database.query<{ row: string }>(
        `SELECT t::text || encode(convert_to(t::text, 'UTF8'), 'escape') AS row FROM ${name} t`,
      );
      const bytes = rows
        .map(
          ({ row }) =>
            row +
            row.replaceAll(/\\x([0-9a-f]+)/g, (_, hex: string) => Buffer.from(hex, 'hex').toString('latin1')),
        )
        .join('\n');
      expectNoSecrets(used, bytes);
    }
  });
});

test('the log contains none of the keys', async () => {
  expectCleanLog(usher, used);
});
