import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call, type HttpReply, PREMIUM } from '../../support/drivers/back-office.js';
import { subscriptionIds } from '../../support/drivers/stripe-webhooks.js';
import { putPlans, startStream, subscribe } from '../../support/drivers/subscribers.js';
import { ADMIN_KEY, startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectNoSecrets, expectProblem } from '../../support/expectations.js';
import { metric } from '../../support/metric.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
  await putPlans(usher);
});
afterAll(() => usher.stop());

interface Entry extends Record<string, unknown> {
  readonly id: string;
  readonly at: string;
}
const get = (path: string, key = ADMIN_KEY) => call(usher.url, key, 'GET', path);
async function entries(query: string): Promise<Entry[]> {
  const reply = await get(`/v1/audit?${query}`);
  expect(reply.status).toBe(200);
  return reply.body.entries as Entry[];
}

const reason = 'case 4711';
/** A key of its own for each scope, so that the audit must tell them apart. */
const keys = new Map<string, { id: string; key: string }>();
async function keyWith(scope: string): Promise<{ id: string; key: string }> {
  const known = keys.get(scope);
  if (known) return known;
  const body = { name: `desk of ${scope}`, scopes: [scope] };
  const created = (await usher.backOffice.call('POST', '/v1/keys', body)).body as { id: string; key: string };
  keys.set(scope, created);
  return created;
}
async function newKey(name: string): Promise<string> {
  return String((await usher.backOffice.call('POST', '/v1/keys', { name, scopes: ['edge'] })).body.id);
}

interface Change {
  readonly scope: 'support' | 'operate' | 'admin';
  /** Makes ready what is to be changed. Returns the path. */
  prepare(name: string): Promise<string> | string;
  body?(name: string): unknown;
  /** What the newest entry tells. */
  told(reply: HttpReply, path: string): Record<string, unknown>;
}
const idOf = (path: string): string => path.split('/')[3] ?? '';

const DIGEST_DEFAULTS = {
  types: [],
  categories: [],
  maxItems: 20,
  order: 'newest',
  group: 'none',
  optIn: true,
};

/** Every call by which people change something. */
const CHANGES: Record<string, Change> = {
  'PUT /v1/plans/{planId}': {
    scope: 'operate',
    prepare: (name) => `/v1/plans/${name}`,
    body: (name) => ({ name: 'Family', prices: [`price_${name}`], capabilities: PREMIUM }),
    told: (_, path) => ({
      action: 'plan.put',
      target: { kind: 'plan', id: idOf(path) },
      userId: null,
      before: null,
      after: { name: 'Family', prices: [`price_${idOf(path)}`], capabilities: PREMIUM },
    }),
  },
  'PUT /v1/digests/{name}': {
    scope: 'operate',
    prepare: (name) => `/v1/digests/${name.toLowerCase()}`,
    body: () => ({ categories: ['promo'], cadence: 'daily', at: '17:00' }),
    told: (_, path) => ({
      action: 'digest.put',
      target: { kind: 'digest', id: idOf(path) },
      userId: null,
      before: null,
      after: { ...DIGEST_DEFAULTS, categories: ['promo'], cadence: 'daily', at: '17:00' },
    }),
  },
  'DELETE /v1/digests/{name}': {
    scope: 'operate',
    prepare: async (name) => {
      const body = { types: ['promo.started'], cadence: 'daily', at: '17:00' };
      const path = `/v1/digests/${name.toLowerCase()}`;
      expect((await usher.backOffice.call('PUT', path, body)).status).toBe(200);
      return path;
    },
    told: (_, path) => ({
      action: 'digest.remove',
      target: { kind: 'digest', id: idOf(path) },
      before: { ...DIGEST_DEFAULTS, types: ['promo.started'], cadence: 'daily', at: '17:00' },
      after: null,
    }),
  },
  'PUT /v1/users/{userId}/links/{processor}': {
    scope: 'operate',
    prepare: (name) => `/v1/users/${name}/links/stripe`,
    body: (name) => ({ customerId: `cus_${name}` }),
    told: (_, path) => ({
      action: 'link.put',
      target: { kind: 'customer', id: `stripe:cus_${idOf(path)}` },
      userId: idOf(path),
      after: { customerId: `cus_${idOf(path)}` },
    }),
  },
  'DELETE /v1/users/{userId}/streams': {
    scope: 'support',
    prepare: async (name) => {
      await subscribe(usher, name);
      expect((await startStream(usher, name)).status).toBe(201);
      return `/v1/users/${name}/streams`;
    },
    told: ({ body }, path) => ({
      action: 'streams.stop',
      target: { kind: 'user', id: idOf(path) },
      userId: idOf(path),
      before: { streamIds: body.stopped },
      after: { streamIds: [] },
    }),
  },
  'POST /v1/users/{userId}/revocations': {
    scope: 'support',
    prepare: (name) => `/v1/users/${name}/revocations`,
    body: () => ({ deviceId: 'lost-phone' }),
    told: (_, path) => ({
      action: 'tokens.revoke',
      target: { kind: 'device', id: 'lost-phone' },
      userId: idOf(path),
    }),
  },
  'POST /v1/users/{userId}/devices/{deviceId}/test-event': {
    scope: 'support',
    prepare: async (name) => {
      const put = await usher.callAs(name, 'PUT', '/v1/me/devices/tv', { platform: 'tv' });
      expect(put.status).toBeLessThan(300);
      return `/v1/users/${name}/devices/tv/test-event`;
    },
    told: ({ body }, path) => ({
      action: 'device.test',
      target: { kind: 'device', id: 'tv' },
      userId: idOf(path),
      after: { eventId: body.id },
    }),
  },
  'POST /v1/users/{userId}/devices/{deviceId}/disconnect': {
    scope: 'support',
    prepare: (name) => `/v1/users/${name}/devices/tv/disconnect`,
    told: (_, path) => ({
      action: 'device.disconnect',
      target: { kind: 'device', id: 'tv' },
      userId: idOf(path),
    }),
  },
  'POST /v1/users/{userId}/subscriptions/refetch': {
    scope: 'support',
    prepare: async (name) => {
      await subscribe(usher, name);
      return `/v1/users/${name}/subscriptions/refetch`;
    },
    told: ({ body }, path) => ({
      action: 'subscriptions.refetch',
      target: { kind: 'user', id: idOf(path) },
      userId: idOf(path),
      after: { subscriptions: body.subscriptions },
    }),
  },
  'PUT /v1/users/{userId}/contact': {
    scope: 'admin',
    prepare: (name) => `/v1/users/${name}/contact`,
    body: () => ({ email: 'ada@example.com', emailVerified: true }),
    told: (_, path) => ({
      action: 'contact.put',
      target: { kind: 'user', id: idOf(path) },
      userId: idOf(path),
      before: null,
      after: {
        email: expect.stringMatching(/^[0-9a-f]{8}$/),
        emailVerified: true,
        phone: null,
        phoneVerified: false,
        timezone: null,
        locale: null,
      },
    }),
  },
  'DELETE /v1/users/{userId}/contact': {
    scope: 'admin',
    prepare: async (name) => {
      const path = `/v1/users/${name}/contact`;
      await usher.backOffice.call('PUT', path, { email: 'ada@example.com' });
      return path;
    },
    told: (_, path) => ({
      action: 'contact.remove',
      target: { kind: 'user', id: idOf(path) },
      userId: idOf(path),
      after: null,
    }),
  },
  'DELETE /v1/users/{userId}': {
    scope: 'admin',
    prepare: (name) => `/v1/users/${name}`,
    told: (_, path) => ({
      action: 'user.erase',
      target: { kind: 'user', id: idOf(path) },
      userId: idOf(path),
    }),
  },
  'POST /v1/keys': {
    scope: 'admin',
    prepare: () => '/v1/keys',
    body: () => ({ name: 'edge of Oslo', scopes: ['edge'] }),
    told: ({ body }) => ({
      action: 'key.create',
      target: { kind: 'key', id: body.id },
      before: null,
      after: { name: 'edge of Oslo', scopes: ['edge'] },
    }),
  },
  'DELETE /v1/users/{userId}/links/{processor}': {
    scope: 'operate',
    prepare: async (name) => {
      const path = `/v1/users/${name}/links/stripe`;
      await usher.backOffice.call('PUT', path, { customerId: `cus_${name}` });
      return path;
    },
    told: (_, path) => ({
      action: 'link.remove',
      target: { kind: 'customer', id: `stripe:cus_${idOf(path)}` },
      userId: idOf(path),
      before: { customerId: `cus_${idOf(path)}` },
      after: null,
    }),
  },
  'POST /v1/webhooks/{processor}/{eventId}/retry': {
    scope: 'operate',
    prepare: async (name) => {
      const event = usher.stripe.event('customer.subscription.created', {
        ...subscriptionIds(name),
        price: 'price_unheard',
      });
      await usher.stripe.send(event);
      return `/v1/webhooks/stripe/${event.id}/retry`;
    },
    told: ({ body }) => ({
      action: 'webhook.retry',
      target: { kind: 'webhook', id: `stripe:${String(body.eventId)}` },
      userId: body.userId,
      before: { status: 'waiting' },
      after: { status: 'stored' },
    }),
  },
  'DELETE /v1/keys/{id}': {
    scope: 'admin',
    prepare: async (name) => `/v1/keys/${await newKey(name)}`,
    told: (_, path) => ({
      action: 'key.revoke',
      target: { kind: 'key', id: idOf(path) },
      before: { name: expect.any(String), scopes: ['edge'] },
      after: null,
    }),
  },
};
const make = async (route: string, change: Change, name: string, key: string) => {
  const path = await change.prepare(name);
  const [method = ''] = route.split(' ');
  const reply = await call(usher.url, key, method, path, change.body?.(name), { 'usher-reason': reason });
  return { path, reply };
};

/** The calls that take a reason: `npm run check` finds those of people that do not (tools/checks/house.mjs). */
function auditedCalls(): string[] {
  type Operation = { parameters?: { name: string }[] };
  const file = new URL('../../../docs/openapi.json', import.meta.url);
  const { paths } = JSON.parse(readFileSync(file, 'utf8')) as {
    paths: Record<string, Record<string, Operation>>;
  };
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, { parameters = [] }]) => parameters.some(({ name }) => name === 'Usher-Reason'))
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  );
}

test('every call by which people change something is in the table below', () => {
  expect(auditedCalls().toSorted()).toEqual(Object.keys(CHANGES).toSorted());
});

describe.each(Object.entries(CHANGES))('%s', (route, change) => {
  const name = route.replaceAll(/\W+/g, '-').toLowerCase();

  test('is told by the audit: who, by which right, what, why, in which request', async () => {
    const { id, key } = await keyWith(change.scope);
    const { path, reply } = await make(route, change, name, key);
    expect(reply.status).toBeLessThan(300);
    const [newest] = await entries('limit=1');
    expect(newest).toMatchObject({
      actor: { kind: 'key', id, name: `desk of ${change.scope}` },
      role: change.scope,
      reason,
      requestId: expect.stringMatching(/./),
      result: 'done',
      ...change.told(reply, path),
    });
    expect(Date.now() - Date.parse(newest?.at ?? '')).toBeLessThan(60_000);
    expectNoSecrets({ ...usher.secrets(), key, made: String(reply.body.key) }, JSON.stringify(newest));
  });

  test('changes nothing when the audit cannot be written', async () => {
    const { key } = await keyWith(change.scope);
    const path = await change.prepare(`${name}-2`);
    const before = await stored();
    await usher.database.query('ALTER TABLE audit_entry ADD CONSTRAINT broken CHECK (false) NOT VALID');
    try {
      const { reply } = await make(route, { ...change, prepare: () => path }, `${name}-2`, key);
      expectProblem(reply, 500, 'internal', true);
    } finally {
      await usher.database.query('ALTER TABLE audit_entry DROP CONSTRAINT broken');
    }
    expect(await stored()).toEqual(before);
  });
});

/** All that the calls of the table change. */
const stored = () =>
  Promise.all(
    [
      'SELECT plan_id, name, revision FROM plan',
      'SELECT price_id, plan_id FROM plan_price',
      'SELECT processor, customer_id, user_id FROM processor_link',
      'SELECT id, name, revoked_at FROM service_key',
      'SELECT name, body FROM digest_definition WHERE NOT is_removed',
      'SELECT user_id, device_id, token_id, seq FROM revocation',
      'SELECT stream_id, end_reason FROM stream',
      'SELECT user_id, "offset" FROM mailbox_entry',
      'SELECT event_id, status, next_attempt_at FROM webhook',
      'SELECT id FROM audit_entry',
    ].map((query) => usher.database.query(`SELECT row_to_json(r)::text AS row FROM (${query}) r ORDER BY 1`)),
  );

describe('a call that changes nothing', () => {
  test('because it was refused is not told', async () => {
    const before = await usher.database.query('SELECT id FROM audit_entry');
    const taken = await usher.backOffice.putPlan('thief', ['price_duo']);
    expectProblem(taken, 409, 'price_taken');
    expectProblem(await usher.backOffice.call('DELETE', '/v1/keys/0000000000000000'), 404, 'not_found');
    expect(await usher.database.query('SELECT id FROM audit_entry')).toHaveLength(before.length);
  });

  test('because it was so before is told as unchanged', async () => {
    await usher.backOffice.putPlan('same', ['price_same']);
    await usher.backOffice.putPlan('same', ['price_same']);
    const [again, first] = await entries('action=plan.put&limit=2');
    expect(again).toMatchObject({ result: 'unchanged', before: null, after: null });
    expect(first).toMatchObject({ result: 'done' });
  });

  test('because it repeats one with the same Idempotency-Key is not told twice', async () => {
    const body = { name: 'once', scopes: ['edge'] };
    const once = () => usher.backOffice.call('POST', '/v1/keys', body, { 'idempotency-key': 'audit once' });
    const { id } = (await once()).body;
    expect((await once()).body.id).toBe(id);
    const made = (await entries('action=key.create')).filter(
      ({ target }) => (target as { id: unknown }).id === id,
    );
    expect(made).toHaveLength(1);
  });
});

test('of a plan that is changed only the fields that differ are told, as they were and as they are', async () => {
  await usher.backOffice.putPlan('old', ['price_old']);
  await usher.backOffice.putPlan('old', ['price_old', 'price_new']);
  expect((await entries('action=plan.put&limit=1'))[0]).toMatchObject({
    before: { prices: ['price_old'] },
    after: { prices: ['price_old', 'price_new'] },
  });
});

test('a customer who is linked to another user is told of both users, each in an entry of its own', async () => {
  const link = (userId: string) =>
    usher.backOffice.call('PUT', `/v1/users/${userId}/links/stripe`, { customerId: 'cus_moved' });
  await link('moved-from');
  await link('moved-to');
  expect(await entries('user=moved-from&limit=1')).toMatchObject([
    { action: 'link.remove', before: { customerId: 'cus_moved' }, after: null },
  ]);
  expect(await entries('user=moved-to')).toMatchObject([
    { action: 'link.put', after: { customerId: 'cus_moved' } },
  ]);
});

describe('the reason', () => {
  const stop = (headers: Record<string, string>) =>
    usher.backOffice.call('DELETE', '/v1/users/nobody/streams', undefined, headers);
  const revoke = (headers: Record<string, string>) =>
    usher.backOffice.call('POST', '/v1/users/nobody/revocations', {}, headers);

  test.each([
    ['stopping streams', stop],
    ['revoking tokens', revoke],
  ])('is needed for %s', async (_, attempt) => {
    const reply = await attempt({});
    expectProblem(reply, 400, 'invalid_request');
    expect(reply.body.detail).toContain('Usher-Reason');
    for (const bad of ['', ' ', 'x'.repeat(501), "UTF-8''%00", "UTF-8''%ff"])
      expectProblem(await attempt({ 'usher-reason': bad }), 400, 'invalid_request');
    expect((await attempt({ 'usher-reason': 'x' })).status).toBeLessThan(300);
  });

  test.each([
    ['Latin-1', 'für Zoë', 'für Zoë'],
    ['UTF-8', Buffer.from('日本 ✓').toString('latin1'), '日本 ✓'],
    ['percent-encoded UTF-8 as in RFC 8187', "UTF-8''%E6%97%A5%E6%9C%AC", '日本'],
  ])('may be %s', async (_, sent, told) => {
    expect((await stop({ 'usher-reason': sent })).status).toBe(200);
    expect((await entries('user=nobody&limit=1'))[0]).toMatchObject({ reason: told, result: 'unchanged' });
  });
});

describe('a user who is erased', () => {
  test('is named by the entries of the erasure alone: others tell what was done, and no longer to whom', async () => {
    await usher.backOffice.call(
      'PUT',
      '/v1/users/gone/links/stripe',
      { customerId: 'cus_gone' },
      { 'usher-reason': 'Gone asked' },
    );
    const [link] = await entries('user=gone&limit=1');
    expect(
      (await usher.backOffice.call('DELETE', '/v1/users/gone', undefined, { 'usher-reason': reason })).status,
    ).toBe(204);
    expect(await entries('user=gone')).toMatchObject([
      { action: 'user.erase', result: 'done', userId: 'gone', reason },
      { action: 'user.erase', result: 'accepted', userId: 'gone', reason },
    ]);
    const stripped = (await entries('action=link.put')).find(({ id }) => id === link?.id);
    expect(stripped).toEqual({
      ...link,
      ...{ userId: null, before: null, after: null, reason: null, target: { kind: 'customer', id: null } },
    });
    const text = JSON.stringify(
      await usher.database.query(`SELECT * FROM audit_entry WHERE action <> 'user.erase'`),
    );
    expect(text).not.toMatch(/cus_gone|"gone"|Gone asked/);
  });
});

describe('an entry', () => {
  const change = (sql: string) => usher.database.query(sql);

  test.each([
    ['changed', `UPDATE audit_entry SET reason = 'another'`],
    [
      'given to another actor',
      `UPDATE audit_entry SET actor_id = 'other', user_id = NULL, target_id = NULL, before = NULL, after = NULL, reason = NULL`,
    ],
    ['removed', `DELETE FROM audit_entry`],
    ['removed with all others', `TRUNCATE audit_entry`],
  ])('cannot be %s, whoever asks PostgreSQL for it', async (_, sql) => {
    await expect(change(sql)).rejects.toThrow('the audit is append only');
  });
});

describe('the list', () => {
  /** Older than what the other tests do, and not so old that the retention removes it. */
  const start = Math.floor(Date.now() / 1_000 - 86_400 * 100);
  const at = (seconds: number): string => new Date((start + seconds) * 1_000).toISOString();
  const old = (
    n: number,
  ) => `SELECT gen_random_uuid(), timestamptz '${at(0)}' + n * interval '1 second', 'person', 'p' || n % 3, 'Kim', 'operate',
    CASE n % 2 WHEN 0 THEN 'plan.put' ELSE 'key.create' END, 'plan', 'u' || n % 5, repeat('r', 400), 'r', 'done' FROM generate_series(1, ${n}) AS n`;
  const COLUMNS =
    'id, at, actor_kind, actor_id, actor_name, role, action, target_kind, user_id, reason, request_id, result';
  /** Pages of an export. */
  const PAGES = 100;
  beforeAll(async () => {
    await usher.database.query(`INSERT INTO audit_entry (${COLUMNS}) ${old(200 * PAGES)}`);
    await usher.database.query('ANALYZE audit_entry');
  }, 60_000);

  test('is read page by page, newest first, each entry once, by each filter and all of them', async () => {
    for (const filter of [
      '',
      '&actor=p1',
      '&user=u2',
      '&action=plan.put',
      '&user=u2&actor=p1&action=plan.put',
    ]) {
      const seen: Entry[] = [];
      let next: unknown = at(120.5);
      for (let page = 0; next !== undefined && page < 50; page += 1) {
        const { status, body } = await get(`/v1/audit?limit=7&before=${next as string}${filter}`);
        expect(status).toBe(200);
        seen.push(...(body.entries as Entry[]));
        next = body.next;
      }
      const [, user, actor, action] =
        /^(?:&user=(\w+))?(?:&actor=(\w+))?(?:&action=([\w.]+))?$/.exec(filter) ?? [];
      const expected = await usher.database.query<{ id: string }>(
        `SELECT id FROM audit_entry WHERE at < '${at(120.5)}' AND user_id = coalesce($1, user_id)
           AND actor_id = coalesce($2, actor_id) AND action = coalesce($3, action) ORDER BY at DESC, id DESC`,
        [user, actor, action],
      );
      expect(expected.length).toBeGreaterThan(3);
      expect(seen.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
    }
  });

  test('refuses a cursor that it did not make, and filters that nothing has', async () => {
    for (const query of [
      'before=abc',
      'before=2020',
      'user=a%20b',
      'action=all',
      'actor=%00',
      'limit=0',
      'limit=501',
    ])
      expectProblem(await get(`/v1/audit?${query}`), 400, 'invalid_request');
  });

  describe('as an export', () => {
    const path = `/v1/audit/export?from=${at(0)}&to=${at(86_400)}`;
    /** Begins an export and reads nothing of its body. */
    const begin = async () => {
      const sent = request(`${usher.url}${path}`, {
        headers: { authorization: `Bearer ${ADMIN_KEY}` },
        agent: false,
      });
      const response = await new Promise<IncomingMessage>((resolve, reject) =>
        sent.on('response', resolve).on('error', reject).end(),
      );
      sent.on('error', () => undefined);
      return { sent, response };
    };
    const pagesRead = () => metric(usher, 'usher_statement_seconds_count{statement="audit-export"}');

    test('holds every entry of the time once, the oldest first, as NDJSON', async () => {
      const reply = await fetch(`${usher.url}${path}`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
      expect(reply.headers.get('content-type')).toMatch(/^application\/x-ndjson/);
      const lines = (await reply.text())
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Entry);
      const expected = await usher.database.query<{ id: string }>(
        `SELECT id FROM audit_entry WHERE at >= '${at(0)}' AND at < '${at(86_400)}' ORDER BY at, id`,
      );
      expect(lines.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
      expect(lines[0]).toEqual((await entries(`before=${at(1.001)}&limit=1`))[0]);
    });

    test('waits for a client that does not read, and ends when the client leaves', async () => {
      const before = await pagesRead();
      const { sent, response } = await begin();
      expect(response.statusCode).toBe(200);
      let last = -1;
      let same = 0;
      await eventually('no further page is read', async () => {
        const now = await pagesRead();
        same = now === last ? same + 1 : 0;
        last = now;
        return same === 5;
      });
      expect(last - before).toBeGreaterThan(0);
      expect(last - before).toBeLessThan(PAGES);
      sent.destroy();
      // Of two at once each must have ended, else the next ones are refused.
      for (let n = 0; n < 4; n += 1) {
        await eventually('another export begins', async () => {
          const next = await begin();
          next.sent.destroy();
          return next.response.statusCode === 200;
        });
      }
    });

    test('is refused while two others run on the node', async () => {
      const running = [await begin(), await begin()];
      await eventually('a third is refused', async () => {
        const { sent, response } = await begin();
        sent.destroy();
        return response.statusCode === 429;
      });
      for (const { sent } of running) sent.destroy();
    });
  });
});
