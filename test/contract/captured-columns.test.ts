import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { capturedTables } from '../../src/captured-tables.js';
import { createDatabase, type TestDatabase } from '../support/infrastructure/database.js';

const MACRO = fileURLToPath(new URL('../../warehouse/macros/captured_columns.sql', import.meta.url));
/** Types of the warehouse by those of PostgreSQL. */
const TYPES: Record<string, string> = {
  text: 'varchar',
  uuid: 'varchar',
  int2: 'integer',
  int4: 'integer',
  int8: 'bigint',
  float8: 'double',
  numeric: 'double',
  bool: 'boolean',
  date: 'date',
  timestamptz: 'timestamptz',
};

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

/** The macro's list: a dictionary of the template language, which but for its quotes is JSON. */
function columnsOfWarehouse(): Record<string, Record<string, string>> {
  const [, list] = /set tables = (\{[\s\S]*\}) %\}/.exec(readFileSync(MACRO, 'utf8')) ?? [];
  return JSON.parse((list ?? '').replaceAll("'", '"')) as Record<string, Record<string, string>>;
}

test('the warehouse has the columns that are captured, with the types that they have in PostgreSQL', async () => {
  const rows = await database.query<{ table: string; column: string; type: string }>(
    `SELECT table_name::text AS table, column_name::text AS column, udt_name::text AS type FROM information_schema.columns
     WHERE table_name = ANY ($1)`,
    [capturedTables.map(({ name }) => name)],
  );
  const typeOf = new Map(rows.map(({ table, column, type }) => [`${table}.${column}`, TYPES[type] ?? type]));
  // Which part of the database a row is in tells analysts nothing.
  const captured = capturedTables.map(({ name, columns }) => [
    name,
    Object.fromEntries(
      columns.filter((one) => one !== 'bucket').map((one) => [one, typeOf.get(`${name}.${one}`)]),
    ),
  ]);
  expect(columnsOfWarehouse()).toEqual(Object.fromEntries(captured));
});
