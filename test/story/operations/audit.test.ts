import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call } from '../../support/drivers/back-office.js';
import { type ReadEntry, readAudit } from '../../support/audit.js';
import { putPlans } from '../../support/drivers/subscribers.js';
import { ADMIN_KEY, startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';
import { metric } from '../../support/metric.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
  await putPlans(usher);
});
afterAll(() => usher.stop());

const get = (path: string, key = ADMIN_KEY) => call(usher.url, key, 'GET', path);
const entries = (query: string) => readAudit(usher, query);

const reason = 'case 4711';

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
  const sendTestEvent = (headers: Record<string, string>) =>
    usher.backOffice.call('POST', '/v1/users/known/devices/known-tv/test-event', undefined, headers);
  const resend = (headers: Record<string, string>) =>
    usher.backOffice.call('POST', `/v1/users/known/events/${eventId}/resend`, {}, headers);
  let eventId: string;
  beforeAll(async () => {
    await usher.callAs('known', 'PUT', '/v1/me/devices/known-tv', { platform: 'tv' });
    const note = { userId: 'known', type: 'note', tier: 'important', data: {} };
    const { body } = await usher.backOffice.publish([note]);
    eventId = String((body.accepted as { id: string }[])[0]?.id);
  });

  test.each([
    ['stopping streams', stop],
    ['revoking tokens', revoke],
    ['sending a test event', sendTestEvent],
    ['sending an event again', resend],
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
      const seen: ReadEntry[] = [];
      let next: unknown = at(120.5);
      for (let page = 0; next !== undefined && page < 50; page += 1) {
        const { status, body } = await get(`/v1/audit?limit=7&before=${next as string}${filter}`);
        expect(status).toBe(200);
        seen.push(...(body.entries as ReadEntry[]));
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
    const pagesRead = () => metric(usher, 'usher_statement_seconds_count', { statement: 'audit-export' });

    test('holds every entry of the time once, the oldest first, as NDJSON', async () => {
      const reply = await fetch(`${usher.url}${path}`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
      expect(reply.headers.get('content-type')).toMatch(/^application\/x-ndjson/);
      const lines = (await reply.text())
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as ReadEntry);
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
