/* The database that each test file copies: a copy takes about 50 ms, migrations much longer. */
import pg from 'pg';
import { migrate } from '../../tools/migrate.mjs';

export const TEMPLATE = 'usher_template';

/** Migrates one database, which each test file copies. */
export async function migrateTemplate() {
  const url = process.env.DATABASE_URL;
  if (!url)
    throw new Error('DATABASE_URL is not set: run the tests by `npm test`, which brings a PostgreSQL');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`DROP DATABASE IF EXISTS ${TEMPLATE}`);
  await client.query(`CREATE DATABASE ${TEMPLATE}`);
  await client.end();
  const template = new URL(url);
  template.pathname = `/${TEMPLATE}`;
  await migrate(template.href);
}
