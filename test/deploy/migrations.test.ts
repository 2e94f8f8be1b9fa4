import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { faultsOf } from '../../tools/checks/migrations.mjs';
import { migrate } from '../../tools/migrate.mjs';
import { createDatabase, type TestDatabase } from '../support/infrastructure/database.js';

describe('a migration after the baseline', () => {
  test.each([
    ['CREATE INDEX a ON push (b);', 'an index on push is created without CONCURRENTLY'],
    ['CREATE UNIQUE INDEX IF NOT EXISTS a ON "push" (b)', 'an index on push'],
    ['ALTER TABLE push ADD CONSTRAINT c CHECK (d > 0);', 'a constraint on push is added without NOT VALID'],
    ['ALTER TABLE push ADD CONSTRAINT c FOREIGN KEY (d) REFERENCES e (d)', 'a constraint on push'],
    ['ALTER TABLE push ADD COLUMN d int CHECK (d > 0)', 'a constraint on push'],
    [
      'ALTER TABLE push ADD CONSTRAINT c CHECK (d > 0) NOT VALID; ALTER TABLE push VALIDATE CONSTRAINT c;',
      'a constraint on push is validated in the file that adds it',
    ],
    ['ALTER TABLE push ALTER COLUMN d SET NOT NULL', 'a column of push is SET NOT NULL'],
  ])('may not stop a large table: %s', (sql, fault) => {
    expect(faultsOf(sql)).toEqual([expect.stringContaining(fault)]);
  });

  test.each([
    'CREATE INDEX CONCURRENTLY a ON push (b);',
    'ALTER TABLE push ADD CONSTRAINT c CHECK (d > 0) NOT VALID;',
    'ALTER TABLE push VALIDATE CONSTRAINT c;',
    'ALTER TABLE push ADD COLUMN d int NOT NULL DEFAULT 0; -- CREATE INDEX a ON push (b);',
    'CREATE TABLE fresh (a int CHECK (a > 0)); CREATE INDEX b ON fresh (a);',
  ])('may do what stops nothing: %s', (sql) => {
    expect(faultsOf(sql)).toEqual([]);
  });
});

describe('migrations', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createDatabase();
  });

  afterAll(() => database.drop());

  test('are applied once: a database at the newest schema stays as it is', async () => {
    await expect(migrate(database.url)).resolves.toEqual([]);
  });

  test('refuse, and name, one that was changed after it was applied', async () => {
    const [first] = await database.query<{ name: string; checksum: string }>(
      'SELECT migration_name AS name, checksum FROM _prisma_migrations ORDER BY migration_name LIMIT 1',
    );
    await setChecksum(first, 'another');
    await expect(migrate(database.url)).rejects.toThrow(
      `${first?.name} was changed after this database applied it`,
    );
    await setChecksum(first, first?.checksum);
  });

  test('refuse a database of before the baseline, and say what to do', async () => {
    await database.query(`UPDATE _prisma_migrations SET migration_name = '20261120000000_spine'`);
    await expect(migrate(database.url)).rejects.toThrow(/was never released.*Start with an empty database/);
  });

  function setChecksum(
    migration: { name: string } | undefined,
    checksum: string | undefined,
  ): Promise<unknown> {
    return database.query('UPDATE _prisma_migrations SET checksum = $2 WHERE migration_name = $1', [
      migration?.name,
      checksum,
    ]);
  }
});
