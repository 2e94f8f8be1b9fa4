import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { migrate } from '../../tools/migrate.mjs';
import { createDatabase, type TestDatabase } from '../support/infrastructure/database.js';

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
