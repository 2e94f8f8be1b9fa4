import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { migrate } from '../../../tools/migrate.mjs';
import { TEMPLATE } from '../template.mjs';

/** A database of one test file. */
export interface TestDatabase {
  readonly url: string;
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** Runs a statement in a transaction that keeps its locks until the returned function is called; nothing is kept, unless it is told to commit. */
  holdTransaction(text: string, values?: unknown[]): Promise<(end?: 'ROLLBACK' | 'COMMIT') => Promise<void>>;
  drop(): Promise<void>;
}

/** Copies the migrated template: as files, which takes half of the time of PostgreSQL's usual way. */
export async function createDatabase(): Promise<TestDatabase> {
  const server = process.env.DATABASE_URL;
  if (!server) throw new Error('DATABASE_URL is not set: run the tests by `npm test`');
  const name = `usher_${randomBytes(6).toString('hex')}`;
  await once(server, `CREATE DATABASE ${name} TEMPLATE ${TEMPLATE} STRATEGY FILE_COPY`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return open(url, name, () => once(server, `DROP DATABASE ${name} WITH (FORCE)`));
}

/** Migrates the database of a server that the test itself starts and stops. It is never dropped. */
export async function migratedDatabase(server: string): Promise<TestDatabase> {
  await migrate(server);
  return open(new URL(server), `usher_${randomBytes(6).toString('hex')}`, () => Promise.resolve());
}

async function open(url: URL, name: string, drop: () => Promise<void>): Promise<TestDatabase> {
  const pool = new pg.Pool({ connectionString: url.href, max: 4 });
  pool.on('error', () => undefined);
  // Each copy is an installation of its own, so that it ignores the messages of others in the shared Redis.
  await pool.query(`UPDATE installation SET name = $1, epoch = $1`, [name]);
  return {
    url: url.href,
    query: async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await pool.query<Row>(text, values)).rows,
    holdTransaction: async (text, values = []) => {
      const client = await pool.connect();
      await client.query('BEGIN');
      await client.query(text, values);
      return async (end = 'ROLLBACK') => {
        await client.query(end);
        client.release();
      };
    },
    drop: async () => {
      await pool.end();
      await drop();
    },
  };
}

async function once(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
