import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import pg from 'pg';
import { AppModule } from '../../src/app.module.js';
import { StatementValues } from '../../src/audiences/rule/rule-condition.js';
import { membershipSql, sliceSql } from '../../src/audiences/slices/audience-sql.js';
import { DeviceStore } from '../../src/devices/device.store.js';
import { PreferenceStore } from '../../src/devices/preferences/preference.store.js';
import { READ_ROLLUPS } from '../../src/engagement/analytics/rollup-query.store.js';
import { PlanStore } from '../../src/membership/plans/plan.store.js';
import { IdempotencyStore } from '../../src/platform/http/idempotency/idempotency.store.js';
import { SESSION_OPTIONS } from '../../src/platform/postgres/database.js';
import { knownStatements } from '../../src/platform/postgres/statement.js';
import {
  executedPlanOf,
  fillTables,
  mostRowsRead,
  planOf,
  printed,
  wholeTables,
} from '../../tools/explain-statements.mjs';
import { testConfig } from '../support/config.js';
import { createDatabase, type TestDatabase } from '../support/infrastructure/database.js';

/** Rows of each table, as many as a test has time for. */
const ROWS = 20_000;
/** Reading a table from end to end is made as expensive as it is with a million rows; the cost of an index hardly grows. */
const A_MILLION = `SET seq_page_cost = ${1_000_000 / ROWS}`;
/** What does not grow with the number of users. */
const SMALL = [
  'installation',
  'broadcast',
  'broadcast_counter',
  'broadcast_tally',
  'digest_definition',
  'engagement_watermark',
  'audience',
  'campaign',
  'campaign_progress',
  'campaign_tally',
  'template',
  'template_version',
  'fallback',
  'service_key',
  'plan',
  'plan_price',
  'push_pause',
  'lease_key',
  'reconciliation',
  'webhook_wakeup',
];
/** What nearly all rows are: webhooks, pushes and changes are settled. */
const USUAL = ['applied', 'delivered', 'done'];
/** Statements that read a whole table on purpose, with the reason. */
const ALLOWED: Record<string, string> = {};

/** Those that may while it is small: what a person asks for, what is planned for its values each time, and an erasure. */
const WHOLE_WHILE_SMALL = new Set([
  'count-backlog',
  'push-results-read',
  'roll-up',
  'record-engagement',
  'erase-inbound-texts',
]);

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));
const storeFiles = (): string[] =>
  readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.store.ts'))
    .map((path) => join(SRC, path));

let database: TestDatabase;
let client: pg.Client;
let server: TestingModule;
let filled: string[];
beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url, options: SESSION_OPTIONS });
  await client.connect();
  filled = await fillTables(client, ROWS, { small: SMALL, usual: USUAL });
  await client.query(A_MILLION);
  const config = testConfig({ DATABASE_URL: database.url, REDIS_URL: process.env.REDIS_URL ?? '' });
  server = await Test.createTestingModule({ imports: [AppModule.with(config)] }).compile();
  for (const path of storeFiles()) await import(path);
}, 120_000);
afterAll(async () => {
  await server.close();
  await client.end();
  await database.drop();
});

/** The SQL that Prisma sends for the calls: its client uses pg, whose `query` all statements pass. */
async function sentBy(calls: readonly (() => Promise<unknown>)[]): Promise<string[]> {
  const sent: string[] = [];
  const original = pg.Client.prototype.query;
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const [query] = args as [string | { text: string }];
    sent.push(typeof query === 'string' ? query : query.text);
    return (original as (...all: unknown[]) => unknown).apply(this, args);
  } as typeof original;
  for (const call of calls) await call().catch(() => undefined);
  pg.Client.prototype.query = original;
  return sent.filter((text) => /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)/i.test(text));
}

/** Statements by name, with the tables that grow and that they read from end to end. */
async function wholeTableReads(statements: readonly { name: string; text: string }[]) {
  const found: Record<string, string> = {};
  for (const { name, text } of statements) {
    const plan = await planOf(client, text);
    const scanned = wholeTables(plan).filter((table) => filled.includes(table));
    if (scanned.length > 0) found[name.split(':')[0] ?? name] = [scanned.join(), ...printed(plan)].join('\n');
  }
  return found;
}

test('no prepared statement reads a table that grows with the users from end to end when it has a million rows', async () => {
  const statements = knownStatements();
  expect(statements.length).toBeGreaterThan(80);
  const found = await wholeTableReads(statements);
  for (const name of Object.keys(ALLOWED)) expect(Object.keys(found)).toContain(name);
  expect(Object.entries(found).filter(([name]) => ALLOWED[name] === undefined)).toEqual([]);
}, 60_000);

test('nor when it has some thousand, by PostgreSQL’s own costs: so that few users are no slower than many', async () => {
  await client.query('RESET seq_page_cost');
  const found = await wholeTableReads(knownStatements());
  await client.query(A_MILLION);
  expect(Object.entries(found).filter(([name]) => !WHOLE_WHILE_SMALL.has(name))).toEqual([]);
}, 60_000);

test('nor does what Prisma makes of the calls of any store', async () => {
  const id = new Uint8Array(16);
  const devices = server.get(DeviceStore);
  const preferences = server.get(PreferenceStore);
  const plans = server.get(PlanStore);
  const calls = server.get(IdempotencyStore);
  const sent = await sentBy([
    () => devices.list('ada'),
    () => devices.update({ userId: 'ada', deviceId: 'tv' }, { name: 'TV' }),
    () =>
      devices.update(
        { userId: 'ada', deviceId: 'tv' },
        { push: { kind: 'fcm_token', address: 'address' } as never },
      ),
    () => devices.put({ userId: 'ada', deviceId: 'tv' }, { platform: 'android' } as never),
    () => devices.remove({ userId: 'ada', deviceId: 'tv' }),
    () => preferences.get('ada'),
    () => preferences.put('ada', {} as never),
    () => plans.findTakenPrices('plan', ['price']),
    () => calls.begin(id, id),
    () => calls.begin(id, id),
    () => calls.settle(id, 200, id),
    () => calls.release(id),
  ]);
  expect(sent.length).toBeGreaterThanOrEqual(10);
  expect(await wholeTableReads(sent.map((text) => ({ name: text, text })))).toEqual({});
  expect(filesWithPrisma()).toEqual(
    ['device', 'idempotency', 'plan', 'service-key'].map((name) => `${name}.store.ts`),
  );
});

/** The stores that use Prisma; those of tables that grow are called above. */
const filesWithPrisma = (): string[] =>
  storeFiles()
    .filter((path) => /\bprisma\.\w/.test(readFileSync(path, 'utf8')))
    .map((path) => basename(path))
    .toSorted();

test('nor when all members have one plan and none is behind it: the roll-out looks for them each second', async () => {
  await client.query(
    `UPDATE membership SET version = version + 1, plan_id = (SELECT min(plan_id) FROM plan),
       plan_revision = (SELECT revision FROM plan ORDER BY plan_id LIMIT 1)`,
  );
  await client.query('VACUUM (ANALYZE) membership');
  // By PostgreSQL's own costs: it expects a third of the rows to be behind, and would stop at the first ones.
  await client.query('RESET seq_page_cost');
  const rollOut = knownStatements().filter(({ name }) => name.startsWith('membership-behind-plan:'));
  expect(rollOut).toHaveLength(1);
  expect(await wholeTableReads(rollOut)).toEqual({});
});

test('nor does a slice of an audience, whatever its rule asks, nor whether one user belongs to it', async () => {
  const rule = {
    any: [
      { plan: ['premium'] },
      { status: ['active'] },
      { platform: ['ios'] },
      { appVersion: { platform: 'ios', atLeast: '4.2', below: '5' } },
      { locale: ['de'] },
      { timezone: ['Europe/Berlin'] },
      { lastSeen: { withinDays: 30 } },
      { watched: { showId: 'dark', withinDays: 30 } },
      { preference: { category: 'promo', delivery: 'digest' as const } },
    ],
  };
  const byRule = { name: 'rule', rule };
  const list = { name: 'list', rule: null };
  const statements = [
    { audience: byRule, without: [list] },
    { audience: list, without: [byRule] },
  ].flatMap((selection, n) => {
    const text = sliceSql(selection, { after: 'user_id 7', limit: 1_000 }, new StatementValues());
    const ofOne = { anyOf: [selection.audience], without: selection.without };
    const one = membershipSql(ofOne, 'user_id 7', new StatementValues());
    return [
      { name: `slice ${n}`, text },
      { name: `membership ${n}`, text: one },
    ];
  });
  expect(await wholeTableReads(statements)).toEqual({});
  // Nor is anything read once for all users, and hashed.
  const ofMembers = knownStatements().filter(({ name }) => /^(claim-members|campaign-facts):/.test(name));
  expect(ofMembers).toHaveLength(2);
  for (const { text } of [...statements, ...ofMembers]) {
    const { rows } = await client.query<Record<string, string>>(`EXPLAIN (GENERIC_PLAN) ${text}`);
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).not.toContain('hashed SubPlan');
  }
});

test('a page of the audit is read in the order of an index, and nothing is sorted', async () => {
  const pages = knownStatements().filter(({ name }) => /^audit-(list|export)/.test(name));
  expect(pages).toHaveLength(9);
  for (const { text } of pages) expect(printed(await planOf(client, text)).join('\n')).not.toContain('Sort');
});

test('deliveries of campaigns are found by indexes that have nothing else', async () => {
  const byIndex = {
    push_campaign_settled_idx: ['deliveries-of-pushes', 'delivery-slice-pushes'],
    receipt_campaign_idx: ['deliveries-of-campaign-receipts', 'delivery-slice-campaign-receipts'],
    message_tracked_ended_idx: ['deliveries-of-messages', 'delivery-slice-messages'],
  };
  for (const [index, names] of Object.entries(byIndex))
    for (const name of names) {
      const found = knownStatements().find((one) => one.name.startsWith(`${name}:`));
      expect([name, printed(await planOf(client, found?.text ?? '')).join('\n')]).toEqual([
        name,
        expect.stringContaining(index),
      ]);
    }
});

/** Events of one user, of whom every fourth is in the mailbox, every fourth left nothing but receipts, and the others left the mailbox. */
const EVENTS_OF_ONE_USER = 6_000;
const PAGE = 100;
const BUSY = `
  INSERT INTO mailbox (user_id, epoch, last_offset, bucket) VALUES ('busy', 'e', ${EVENTS_OF_ONE_USER}, bucket_of('busy'));
  -- Users have some ten entries, and there are four processors: with one row for each, every index would be as good as the other.
  ALTER TABLE mailbox_entry ALTER user_id SET (n_distinct = -0.1);
  ALTER TABLE webhook ALTER processor SET (n_distinct = 4);
  INSERT INTO mailbox_entry (user_id, key, "offset", id, type, tier, at, bucket)
    SELECT 'busy', 'k' || n, n, md5('busy' || n)::uuid, 'note.one', 'important', timestamptz '2026-01-01' + n * interval '1 second', 0
    FROM generate_series(1, ${EVENTS_OF_ONE_USER}) n WHERE n % 4 = 0;
  INSERT INTO past_event (user_id, epoch, "offset", id, type, tier, key, at, bucket)
    SELECT 'busy', 'e', n, md5('busy' || n)::uuid, 'note.one', 'important', 'k', timestamptz '2026-01-01' + n * interval '1 second', 0
    FROM generate_series(1, ${EVENTS_OF_ONE_USER}) n WHERE n % 4 > 1;
  INSERT INTO receipt (user_id, device_id, epoch, "offset", event_id, type, state, received_at, bucket)
    SELECT 'busy', device, 'e', n, md5('busy' || n)::uuid, 'note.one', 2, timestamptz '2026-01-01' + n * interval '1 second', 0
    FROM generate_series(1, ${EVENTS_OF_ONE_USER}) n, unnest(ARRAY['phone', 'tv']) AS device;
  INSERT INTO webhook (processor, event_id, type, status, user_id, created_at, received_at, next_attempt_at)
    SELECT 'stripe', 'busy' || n, 'x', 'applied', 'busy', now(), timestamptz '2026-01-01' + n * interval '1 second', now()
    FROM generate_series(1, ${EVENTS_OF_ONE_USER}) n;
  ANALYZE mailbox, mailbox_entry, past_event, receipt, webhook`;

describe('of a user with many events behind them', () => {
  const statementOf = (name: string) => {
    const found = knownStatements().filter((one) => one.name.startsWith(`${name}:`));
    expect(found).toHaveLength(1);
    return found[0]?.text ?? '';
  };
  const middle = new Date(Date.parse('2026-01-01T00:00:00Z') + 500 * EVENTS_OF_ONE_USER).toISOString();
  beforeAll(async () => {
    await client.query('RESET seq_page_cost');
    await client.query(BUSY);
  });

  test.each([
    ['first', [null, 0, '']],
    ['one deep', [middle, 4, '', EVENTS_OF_ONE_USER / 2]],
    ['one that begins at an instant, deep', [middle, 0, '']],
  ])('the %s page of the timeline reads what is in it, and not what is behind', async (_, place) => {
    const [at, rank, ref, below = null] = place;
    const values = ['busy', at, rank, ref, PAGE, below];
    const plan = await executedPlanOf(client, statementOf('read-timeline'), values);
    // Of each kind of step a page, of receipts one for each device; 13 halvings for an instant.
    expect(mostRowsRead(plan)).toBeLessThanOrEqual(4 * PAGE);
    expect(mostRowsRead(plan)).toBeGreaterThanOrEqual(PAGE);
  });

  /** What a page of the console reads at most: the state has a thousand events, the silence of a processor 288 times five minutes. */
  const MOST = 1_400;
  const ID = `(SELECT event_id FROM receipt WHERE user_id = 'busy' LIMIT 1)`;
  test.each<[page: string, name: string, values: readonly unknown[]]>([
    ['overview', 'overview', ['{stripe,standard}', '{apns,fcm,webpush}']],
    ['metrics', 'oldest-waiting', ['{apns,fcm,webpush}']],
    ['metrics: campaigns', 'campaigns-waiting', []],
    ['find: the user', 'search', ['busy', null, null, '{stripe,standard}']],
    ['find: a webhook', 'search', ['busy1', null, null, '{stripe,standard}']],
    ['user: the state', 'state', ['{busy}']],
    ['user: what else is stored', 'user-record', ['busy', 30]],
    ['user: streams', 'streams-describe', ['user_id 7']],
    ['user: front pages', 'front-pages-of-user', ['user_id 7']],
    ['users of a customer', 'users-of-customer', ['stripe', 'customer_id 7']],
    ['event', 'read-event', ['busy', 'ID']],
    ['webhooks, the newest', 'webhook-list-newest', ['applied', null, null, null, PAGE]],
    ['webhooks, deep', 'webhook-list-newest', ['applied', middle, 'stripe', 'busy7', PAGE]],
    ['webhook', 'webhook-describe', ['stripe', 'busy7']],
    ['plans', 'plan-list', [null, PAGE]],
    ['plan and how many have it', 'plan-describe', ['plan_id 7']],
    ['keys', 'service-key-list', [null, null, PAGE]],
    ['runs, the newest', 'recommendation-run-list', [null, null, PAGE]],
    ['push: forecast', 'count-backlog', [PAGE]],
  ])('the console’s page of %s reads little of what is stored', async (_, name, values) => {
    const text = statementOf(name);
    const { rows } = await client.query(`SELECT ${ID} AS id`);
    const given = values.map((value) => (value === 'ID' ? (rows[0] as { id: string }).id : value));
    expect(mostRowsRead(await executedPlanOf(client, text, given))).toBeLessThanOrEqual(MOST);
  });
});

describe('of what an outage left behind', () => {
  const UUID = '00000000-0000-4000-8000-000000000000';
  const DUE = 5_000;
  const BATCH = 8;
  beforeAll(async () => {
    await client.query('RESET seq_page_cost');
    await client.query(`TRUNCATE handoff; INSERT INTO handoff (id, consumer, tier, positions, created_at)
      SELECT gen_random_uuid(), consumer, 'important', '[]', now() - random() * interval '1 hour'
      FROM generate_series(1, ${DUE}), unnest(ARRAY['delivery', 'push']) AS consumer;
      ANALYZE handoff`);
  });

  test('a sweep reads what it claims, and not all that is due', async () => {
    const found = knownStatements().find(({ name }) => name.startsWith('claim-handoffs:'));
    const plan = await executedPlanOf(client, found?.text ?? '', ['delivery', 'important', 0, BATCH, 100]);
    expect(mostRowsRead(plan)).toBeLessThanOrEqual(DUE / 50);
    expect(mostRowsRead(plan)).toBeGreaterThanOrEqual(BATCH);
  });

  test.each([
    ['claim-handoffs', ['delivery', 'important', 0, 1, 100]],
    ['enqueue-pushes', ['[]', '{"fcm_token":"fcm"}', 'important', 0, 1, 30]],
    ['claim-pushes', ['fcm', 'important', 1, 60_000, 30]],
    ['oldest-waiting', ['{apns,fcm,webpush}']],
    ['settle-handoffs', [`{${UUID}}`, 'delivery']],
    ['membership', ['{ada}']],
    ['plans', ['{premium}']],
    ['plan-of-prices', ['{price}']],
    ['subscriptions', ['{ada}']],
    ['heads', ['{ada}']],
    ['streams-read', ['{stream}']],
  ])('%s is planned some times on a connection, and not at each use', async (name, values) => {
    const found = knownStatements().find((one) => one.name.startsWith(`${name}:`));
    const statement = { name, text: found?.text ?? '', values };
    // PostgreSQL compares five plans for these values with one for all values, and keeps the cheaper.
    for (let use = 0; use < 6; use += 1) await client.query(statement);
    const { rows } = await client.query(
      'SELECT generic_plans::int AS kept FROM pg_prepared_statements WHERE name = $1',
      [name],
    );
    expect(rows).toEqual([{ kept: 1 }]);
  });
});

/** A year of one team and five campaigns: days of all of it, hours of a month, minutes of two days. */
const A_YEAR_OF_ENGAGEMENT = `
  INSERT INTO engagement_rollup (grain, team, campaign, dimension, at, kind, value, people, machines, version)
    SELECT g.grain, s.team, s.campaign, d.dimension, g.at, k.kind, d.value, 7, 1, extract(epoch FROM g.at)
    FROM (
      SELECT 'day' AS grain, generate_series(date_trunc('day', now()) - interval '364 days', now(), interval '1 day') AS at
      UNION ALL SELECT 'hour', generate_series(date_trunc('hour', now()) - interval '30 days', now(), interval '1 hour')
      UNION ALL SELECT 'minute', generate_series(date_trunc('minute', now()) - interval '1 day', now(), interval '1 minute')
    ) g
    CROSS JOIN (VALUES ('*', '*'), ('film', '*'), ('*', 'c1'), ('*', 'c2'), ('film', 'c1')) AS s (team, campaign)
    CROSS JOIN (VALUES ('opened'), ('tapped'), ('*')) AS k (kind)
    CROSS JOIN LATERAL (
      SELECT 'all' AS dimension, '' AS value UNION ALL SELECT 'platform', p FROM unnest(ARRAY['ios', 'tv', 'web']) p
      UNION ALL SELECT 'campaign', c FROM unnest(ARRAY['c1', 'c2', 'c3', 'c4', 'c5']) c WHERE s.campaign = '*'
    ) d
    WHERE g.grain <> 'minute' OR k.kind <> '*';
  ANALYZE engagement_rollup`;

describe('engagement over a year of roll-ups', () => {
  beforeAll(async () => {
    await client.query('RESET seq_page_cost');
    await client.query(A_YEAR_OF_ENGAGEMENT);
  });

  const HOUR_MS = 3_600_000;
  /** Buckets that end now, as read-rollups.sql gets them. */
  const bucketsOf = (count: number, widthMs: number): [starts: string, end: string] => {
    const end = Math.ceil(Date.now() / widthMs) * widthMs;
    const starts = Array.from({ length: count }, (_, n) =>
      new Date(end - (count - n) * widthMs).toISOString(),
    );
    return [`{${starts.join(',')}}`, new Date(end).toISOString()];
  };
  const [days, hours, minutes] = [24 * HOUR_MS, HOUR_MS, 60_000];
  type Read = [
    what: string,
    grain: string,
    of: [team: string, campaign: string, dimension: string, kind: string | null],
    count: number,
    width: number,
    rows: number,
  ];
  test.each<Read>([
    ['seven days by the hour', 'hour', ['*', '*', 'all', '*'], 168, hours, 1],
    ['thirty days by the hour and kind, of a team', 'hour', ['film', '*', 'all', null], 720, hours, 3],
    ['thirty days by platform', 'hour', ['*', 'c1', 'platform', 'opened'], 720, hours, 3],
    ['a year by kind', 'day', ['*', '*', 'all', null], 365, days, 3],
    ['a year of one kind', 'day', ['*', '*', 'all', 'tapped'], 365, days, 1],
    ['a year by campaign', 'day', ['film', '*', 'campaign', '*'], 365, days, 5],
    ['a year of a campaign by platform', 'day', ['film', 'c1', 'platform', '*'], 365, days, 3],
    ['a year by the week and country', 'day', ['*', '*', 'platform', '*'], 52, 7 * days, 21],
    ['a day by the minute', 'minute', ['*', 'c2', 'all', null], 1_440, minutes, 2],
  ])(
    '%s reads the rows of its buckets by the key, and no others',
    async (_, grain, [team, campaign, dimension, kind], count, width, rows) => {
      const isSingle = { minute: minutes, hour: hours, day: days }[grain] === width;
      const read = READ_ROLLUPS[isSingle ? 'single' : 'added'][kind === null ? 'each' : 'one'];
      const of = [grain, team, campaign, dimension];
      const values = [...of, ...bucketsOf(count, width), kind === null, 100_001, kind];
      const plan = await executedPlanOf(client, read.text, values);
      expect(printed(plan).join('\n')).toContain('engagement_rollup_pkey');
      expect(mostRowsRead(plan)).toBeLessThanOrEqual(count * rows);
      expect(mostRowsRead(plan)).toBeGreaterThanOrEqual((count - (isSingle ? 1 : 2)) * rows);
    },
  );

  test('what is watched live is read by the key, the last hour alone', async () => {
    const found = knownStatements().find(({ name }) => name.startsWith('live-buckets:'));
    const from = new Date(Date.now() - HOUR_MS).toISOString();
    const plan = await executedPlanOf(client, found?.text ?? '', [
      '{*,film}',
      '{*,*}',
      from,
      '{0,0}',
      '{infinity,infinity}',
      '{"",""}',
      1_000,
    ]);
    expect(printed(plan).join('\n')).toContain('engagement_rollup_pkey');
    expect(mostRowsRead(plan)).toBeLessThanOrEqual(2 * 2 * 61);
  });
});
