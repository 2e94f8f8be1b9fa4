import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Database } from '../../../src/platform/postgres/database.js';
import { ErasureStore } from '../../../src/platform/retention/erasure.store.js';
import { userErasures } from '../../../src/retention-and-erasure.js';
import { testConfig } from '../../support/config.js';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';

let database: TestDatabase;
let connections: Database;
let store: ErasureStore;
beforeAll(async () => {
  database = await createDatabase();
  connections = new Database(testConfig({ DATABASE_URL: database.url }));
  store = new ErasureStore(connections, userErasures);
});
afterAll(async () => {
  await connections.onApplicationShutdown();
  await database.drop();
});

const nothingElse = () => Promise.resolve();

/** Says which tokens are refused, so it must outlive the person; it expires by itself. */
const KEPT = new Set(['revocation']);

/** Where a person can be named: any column whose name says so. */
async function personalColumns(): Promise<{ table: string; column: string }[]> {
  const columns = await database.query<{ table: string; column: string }>(
    `SELECT c.table_name AS "table", c.column_name AS "column" FROM information_schema.columns c
     JOIN information_schema.tables t USING (table_schema, table_name)
     WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
       AND NOT EXISTS (SELECT FROM pg_class p WHERE p.oid = to_regclass(c.table_name) AND p.relispartition) AND c.column_name ~ '(^|_)user(_id)?$' ORDER BY 1`,
  );
  return columns.filter(({ table }) => !KEPT.has(table));
}

/** A value that the column's type allows; texts of one person are told apart from those of another. */
function valueOf(type: string, userId: string): string {
  if (type === 'ARRAY') return `'{}'`;
  if (type === 'uuid') return 'gen_random_uuid()';
  if (type.startsWith('timestamp') || type === 'date') return 'now()';
  if (type.startsWith('json')) return `'{}'`;
  if (type === 'bytea') return `'${userId}'::bytea`;
  if (type === 'boolean') return 'false';
  return /int|double|numeric/.test(type) ? '1' : `'${userId}'`;
}

/** Inserts a row in which every column that must be set names this person, where its type can. */
async function insertRow(table: string, userId: string): Promise<void> {
  const columns = await database.query<{ name: string; type: string }>(
    `SELECT column_name AS name, data_type AS type FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER'
       AND ((is_nullable = 'NO' AND column_default IS NULL) OR column_name ~ '(^|_)user(_id)?$')`,
    [table],
  );
  const names = columns.map(({ name }) => `"${name}"`).join(', ');
  const values = columns.map(({ type }) => valueOf(type, userId)).join(', ');
  await database.query(`INSERT INTO ${table} (${names}) VALUES (${values})`);
}

test('a person who is erased is in no table with a column for users, and nobody else is touched', async () => {
  const columns = await personalColumns();
  expect(columns.length).toBeGreaterThanOrEqual(13);
  // A made-up row need not be a sensible one.
  const checks = await database.query<{ drop: string }>(
    `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop FROM pg_constraint
     WHERE contype = 'c' AND conrelid <> 0 AND connamespace = 'public'::regnamespace`,
  );
  for (const { drop } of checks) await database.query(drop);
  for (const { table } of columns) for (const userId of ['ann', 'ben']) await insertRow(table, userId);
  await store.erase('ann', nothingElse);
  const tablesWith = async (userId: string) => {
    const found = await Promise.all(
      columns.map(({ table, column }) =>
        database.query(`SELECT 1 FROM ${table} WHERE ${column} = $1`, [userId]),
      ),
    );
    return columns.filter((_, n) => found[n]?.length !== 0).map(({ table }) => table);
  };
  expect(await tablesWith('ann')).toEqual([]);
  expect(await tablesWith('ben')).toEqual(columns.map(({ table }) => table));
});

test('of the webhooks of a person who is erased only their ids stay, also of those that waited', async () => {
  const insert = (id: string, status: string, userId: string | null, waitingFor: string[]) =>
    database.query(
      `INSERT INTO webhook (processor, event_id, type, status, user_id, waiting_for, payload, created_at)
       VALUES ('stripe', $1, 'x', $2, $3, $4, '{"email":"x@example.com"}', now())`,
      [id, status, userId, waitingFor],
    );
  await database.query(
    `INSERT INTO processor_link (processor, customer_id, user_id) VALUES ('stripe', 'cus_cy', 'cy')`,
  );
  await insert('applied', 'applied', 'cy', []);
  await insert('no plan yet', 'waiting', 'cy', ['price:p']);
  await insert('no link yet', 'waiting', null, ['customer:stripe:cus_cy']);
  await insert('of another', 'waiting', null, ['customer:stripe:cus_di']);
  await store.erase('cy', nothingElse);
  expect(
    await database.query(
      `SELECT event_id AS id, status, payload IS NULL AS erased, cardinality(waiting_for) AS waits FROM webhook
       WHERE type = 'x' ORDER BY 1`,
    ),
  ).toEqual([
    { id: 'applied', status: 'ignored', erased: true, waits: 0 },
    { id: 'no link yet', status: 'ignored', erased: true, waits: 0 },
    { id: 'no plan yet', status: 'ignored', erased: true, waits: 0 },
    { id: 'of another', status: 'waiting', erased: false, waits: 1 },
  ]);
});
