import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { StatementValues } from '../../../src/audiences/rule/rule-condition.js';
import { membershipSql, sliceSql } from '../../../src/audiences/slices/audience-sql.js';
import { DeviceStore } from '../../../src/devices/device.store.js';
import { PreferenceStore } from '../../../src/devices/preferences/preference.store.js';
import { PlanStore } from '../../../src/membership/plans/plan.store.js';
import { IdempotencyStore } from '../../../src/platform/http/idempotency/idempotency.store.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { PrismaService } from '../../../src/platform/postgres/prisma.service.js';
import { pushWithdrawal } from '../../../src/push/queue/push.fragments.js';
import { planOf, printed } from '../../../tools/explain-statements.mjs';
import { testConfig } from '../../support/config.js';
import { FilledDatabase } from '../../support/infrastructure/filled-database.js';

/** Rows of each table, as many as a test has time for. */
const ROWS = 10_000;
/** Reading a table from end to end is made as expensive as it is with a million rows; the cost of an index hardly grows. */
const A_MILLION = `SET seq_page_cost = ${1_000_000 / ROWS}`;
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

const SRC = fileURLToPath(new URL('../../../src/', import.meta.url));
const storeFiles = (): string[] =>
  readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.store.ts'))
    .map((path) => join(SRC, path));

let filled: FilledDatabase;
beforeAll(async () => {
  filled = await FilledDatabase.create(ROWS);
  await filled.client.query(A_MILLION);
}, 120_000);
afterAll(() => filled.drop());

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

test('no prepared statement reads a table that grows with the users from end to end when it has a million rows', async () => {
  const statements = filled.statements;
  expect(statements.length).toBeGreaterThan(80);
  const found = await filled.wholeTableReads(statements);
  for (const name of Object.keys(ALLOWED)) expect(Object.keys(found)).toContain(name);
  expect(Object.entries(found).filter(([name]) => ALLOWED[name] === undefined)).toEqual([]);
}, 60_000);

test('nor when it has some thousand, by PostgreSQL’s own costs: so that few users are no slower than many', async () => {
  await filled.client.query('RESET seq_page_cost');
  const found = await filled.wholeTableReads(filled.statements);
  await filled.client.query(A_MILLION);
  expect(Object.entries(found).filter(([name]) => !WHOLE_WHILE_SMALL.has(name))).toEqual([]);
}, 60_000);

test('nor does what Prisma makes of the calls of any store', async () => {
  const id = new Uint8Array(16);
  const config = testConfig({ DATABASE_URL: filled.database.url });
  const database = new Database(config);
  const prisma = new PrismaService(config);
  const devices = new DeviceStore(database, prisma, pushWithdrawal);
  const preferences = new PreferenceStore(database);
  const plans = new PlanStore(prisma, database);
  const calls = new IdempotencyStore(prisma);
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
    () => calls.begin({ id, status: 200 }, id),
    () => calls.begin({ id, status: 200 }, id),
    () => calls.settle(id, 200, id),
    () => calls.release({ id, status: 200 }),
  ]);
  await Promise.all([prisma.onApplicationShutdown(), database.onApplicationShutdown()]);
  expect(sent.length).toBeGreaterThanOrEqual(10);
  expect(await filled.wholeTableReads(sent.map((text) => ({ name: text, text })))).toEqual({});
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
  await filled.client.query(
    `UPDATE membership SET version = version + 1, plan_id = (SELECT min(plan_id) FROM plan),
       plan_revision = (SELECT revision FROM plan ORDER BY plan_id LIMIT 1)`,
  );
  await filled.client.query('VACUUM (ANALYZE) membership');
  // By PostgreSQL's own costs: it expects a third of the rows to be behind, and would stop at the first ones.
  await filled.client.query('RESET seq_page_cost');
  const rollOut = filled.statements.filter(({ name }) => name.startsWith('membership-behind-plan:'));
  expect(rollOut).toHaveLength(1);
  expect(await filled.wholeTableReads(rollOut)).toEqual({});
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
  expect(await filled.wholeTableReads(statements)).toEqual({});
  // Nor is anything read once for all users, and hashed.
  const ofMembers = filled.statements.filter(({ name }) => /^(claim-members|campaign-facts):/.test(name));
  expect(ofMembers).toHaveLength(2);
  for (const { text } of [...statements, ...ofMembers]) {
    const { rows } = await filled.client.query<Record<string, string>>(`EXPLAIN (GENERIC_PLAN) ${text}`);
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).not.toContain('hashed SubPlan');
  }
});

test('a page of the audit is read in the order of an index, and nothing is sorted', async () => {
  const pages = filled.statements.filter(({ name }) => /^audit-(list|export)/.test(name));
  expect(pages).toHaveLength(9);
  for (const { text } of pages)
    expect(printed(await planOf(filled.client, text)).join('\n')).not.toContain('Sort');
});

test('deliveries of campaigns are found by indexes that have nothing else', async () => {
  const byIndex = {
    push_campaign_settled_idx: ['deliveries-of-pushes', 'delivery-slice-pushes'],
    receipt_campaign_idx: ['deliveries-of-campaign-receipts', 'delivery-slice-campaign-receipts'],
    message_tracked_ended_idx: ['deliveries-of-messages', 'delivery-slice-messages'],
  };
  for (const [index, names] of Object.entries(byIndex))
    for (const name of names)
      expect([name, printed(await planOf(filled.client, filled.textOf(name))).join('\n')]).toEqual([
        name,
        expect.stringContaining(index),
      ]);
});
