import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { checkCapture } from '../../../clients/cli/src/doctor/capture-check.js';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { capturedTables } from '../../../src/captured-tables.js';
import { testConfig } from '../../support/config.js';
import { CaptureSessionStore } from '../../../src/warehouse/capture/capture-session.store.js';
import { throwAwayFolder } from '../../../tools/places.mjs';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { call } from '../../support/drivers/back-office.js';
import { ADMIN_KEY } from '../../support/drivers/usher.js';
import {
  type LogicalPostgres,
  type RawLine,
  rawFilesIn,
  readRawZone,
  startLogicalPostgres,
} from '../../support/infrastructure/raw-zone.js';

const folder = join(throwAwayFolder('test'), 'raw');
let postgres: LogicalPostgres;
let usher: TestUsher;

beforeAll(async () => {
  postgres = await startLogicalPostgres();
  usher = await startUsher(
    { WAREHOUSE: 'on', WAREHOUSE_FOLDER: folder, WAREHOUSE_FILE_SECONDS: '1' },
    postgres.database,
  );
  await eventually('changes are captured, and all rows that were there', () =>
    capturedTables.every(({ name }) => usher.log().includes(`snapshot of ${name}: `)),
  );
}, 60_000);
afterAll(async () => {
  await usher.stop();
  await postgres.stop();
});

const lines = () => readRawZone(folder, postgres.database);
const rowsOf = (all: readonly RawLine[], table: string, userId: string) =>
  all.filter((line) => line.table === table && line.row?.user_id === userId);

const addContact = (userId: string, email: string) =>
  call(usher.url, ADMIN_KEY, 'PUT', `/v1/users/${userId}/contact`, { email, emailVerified: true });

test('a change is in the raw zone within seconds, with where it came from; addresses are not', async () => {
  await usher.device('ada', 'ada-tv');
  await addContact('ada', 'ada@example.com');
  await usher.backOffice.putPlan('premium', ['price_premium']);
  await usher.stripe.deliverWithRetries(
    usher.stripe.event('customer.subscription.created', {
      id: 'sub_1',
      userId: 'ada',
      customer: 'cus_1',
      price: 'price_premium',
      status: 'active',
    }),
  );
  const [change] = await eventually('the change is there', async () => {
    const found = rowsOf(await lines(), 'membership_history', 'ada');
    return found.length > 0 && found;
  });
  expect(change).toMatchObject({
    id: expect.stringMatching(/^\d{17}\.[0-9a-f]{16}\.1\.\d{10}$/),
    op: 'insert',
    lsn: expect.stringMatching(/^[0-9a-f]{16}$/),
    committed_at: expect.stringMatching(/^\d{4}-.*Z$/),
    xid: expect.any(Number),
    schema: expect.stringMatching(/^[0-9a-f]{8}$/),
    n: 1,
    row: { user_id: 'ada', version: '1', plan_id: 'premium', processor: 'stripe' },
  });
  expect(change?.file).toContain('.ndjson.gz');
  expect(change?.producer).toContain('/');
  const text = (
    await Promise.all(
      (await rawFilesIn(folder)).map(async (path) => gunzipSync(await readFile(join(folder, path)))),
    )
  ).join('');
  for (const secret of ['ada@example.com', 'cus_1', '"ada"', 'price_premium'])
    expect(text).not.toContain(secret);
});

test('who was erased is in no file that anybody can read, and what comes later is read', async () => {
  await usher.device('eve', 'eve-tv');
  await eventually('eve is there', async () => rowsOf(await lines(), 'device', 'eve').length > 0);
  const before = (await lines()).filter(({ sealed }) => sealed !== undefined).length;
  await call(usher.url, ADMIN_KEY, 'DELETE', '/v1/users/eve');
  await eventually('her deletion is in a file', async () => (await lines()).some((one) => one.is_erased));
  const after = await lines();
  expect(after.filter(({ sealed }) => sealed !== undefined).length).toBeGreaterThanOrEqual(before);
  expect(after.filter(({ row }) => row?.user_id === 'eve')).toEqual([]);
  await eventually('nobody is remembered as erased', async () => {
    const rows = await postgres.database.query(`SELECT FROM warehouse_key WHERE user_id = 'eve'`);
    return rows.length === 0;
  });
});

test('what somebody did leaves the log as one insert, with the columns that Debezium’s outbox event router is told of', async () => {
  const path = new URL('../../../deploy/debezium/engagement-outbox.json', import.meta.url);
  const settings = JSON.parse(await readFile(path, 'utf8')) as Record<string, string>;
  const of = (name: string) => settings[`transforms.outbox.${name}`] ?? '';
  const needed = ['id', 'key', 'payload'].map((field) => of(`table.field.event.${field}`));
  const more = of('table.fields.additional.placement')
    .split(',')
    .map((one) => one.split(':')[0] ?? '');
  const event = { id: 'tap', userId: 'ada', kind: 'tapped', at: new Date().toISOString() };
  for (let n = 0; n < 2; n += 1)
    await call(usher.url, ADMIN_KEY, 'POST', '/v1/engagement', { events: [event] });
  await call(usher.url, ADMIN_KEY, 'POST', '/v1/engagement', { events: [{ ...event, id: 'last' }] });
  const changes = await eventually('both are there', async () => {
    const found = rowsOf(await lines(), settings['table.include.list']?.replace('public.', '') ?? '', 'ada');
    return found.some(({ row }) => row?.id === 'last') && found;
  });
  expect(changes.map(({ op, row }) => [op, row?.id])).toEqual([
    ['insert', 'tap'],
    ['insert', 'last'],
  ]);
  const [{ row } = { row: undefined }] = changes;
  expect(Object.keys(row ?? {})).toEqual(expect.arrayContaining([...needed, of('route.by.field'), ...more]));
  expect(needed.concat(of('route.by.field')).map((column) => row?.[column])).toEqual([
    'tap',
    'ada',
    'tapped',
    'tapped',
  ]);
});

test('`usher doctor` says how far behind the slot is, and that PostgreSQL would keep its log without a limit', async () => {
  const client = new pg.Client({ connectionString: postgres.server.url });
  await client.connect();
  expect(await checkCapture(client)).toMatchObject([
    { status: 'ok', detail: expect.stringMatching(/^the slot usher_warehouse_\d+_\d+ is .+ behind$/) },
    { status: 'warn', detail: 'max_slot_wal_keep_size has no limit' },
  ]);
  await client.end();
});

test('a node that is killed is followed by another, which writes what it had not', async () => {
  const first = await usher.another();
  await usher.kill('SIGKILL');
  for (let n = 0; n < 20; n += 1)
    await postgres.database.query(
      `INSERT INTO membership_history (user_id, version, status, effective_at, reason, processor, recorded_at, bucket)
       VALUES ('bob', $1, 'active', now(), 'test', 'test', now(), bucket_of('bob'))`,
      [n],
    );
  await eventually(
    'the other node has written them',
    async () => rowsOf(await lines(), 'membership_history', 'bob').length >= 20,
    30_000,
  );
  const all = await lines();
  expect(rowsOf(all, 'membership_history', 'bob').map(({ row }) => Number(row?.version))).toEqual(
    Array.from({ length: 20 }, (_, n) => n),
  );
  const seen = new Set<string>();
  const twice = all.filter(({ id }) => seen.size === seen.add(id).size);
  expect(twice).toEqual([]);
  await first.stop();
}, 60_000);

test('where PostgreSQL is not set up for it, what is missing is said', async () => {
  const config = testConfig({ DATABASE_URL: process.env.DATABASE_URL ?? '', WAREHOUSE: 'on' });
  const session = await new CaptureSessionStore(config).open();
  expect(await session?.missing()).toEqual([expect.stringContaining('set wal_level=logical')]);
  await session?.close();
});
