import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Change } from '../../support/cases/audited-calls/change.js';
import { CONTENT_CHANGES } from '../../support/cases/audited-calls/content-changes.js';
import { USER_CHANGES } from '../../support/cases/audited-calls/user-changes.js';
import { call } from '../../support/drivers/back-office.js';
import { readAudit } from '../../support/audit.js';
import { putPlans } from '../../support/drivers/subscribers.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectNoSecrets, expectProblem } from '../../support/expectations.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
  await putPlans(usher);
});
afterAll(() => usher.stop());

const entries = (query: string) => readAudit(usher, query);

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

/** Every call by which people change something. */
const CHANGES: Readonly<Record<string, Change>> = { ...CONTENT_CHANGES, ...USER_CHANGES };

const make = async (route: string, change: Change, name: string, key: string) => {
  const path = await change.prepare(usher, name);
  const [method = ''] = route.split(' ');
  const reply = await call(usher.url, key, method, path, change.body?.(name), {
    'usher-reason': reason,
    ...(change.contentType !== undefined && { 'content-type': change.contentType }),
  });
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
    const path = await change.prepare(usher, `${name}-2`);
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
      'SELECT user_id, device_id, token_id, seq FROM revocation',
      'SELECT stream_id, end_reason FROM stream',
      'SELECT user_id, "offset" FROM mailbox_entry',
      'SELECT event_id, status, next_attempt_at FROM webhook',
      'SELECT name, body FROM digest_definition WHERE NOT is_removed',
      'SELECT name, rule, members FROM audience WHERE NOT is_removed',
      'SELECT name, body, state FROM campaign',
      'SELECT vendor, critical FROM push_pause',
      'SELECT user_id, state, created_at FROM push',
      'SELECT id FROM audit_entry',
    ].map((query) => usher.database.query(`SELECT row_to_json(r)::text AS row FROM (${query}) r ORDER BY 1`)),
  );
