import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import pg from 'pg';
import { Failure } from '../failures.js';
import { reasonOf } from '../doctor/check.js';

const CONNECT_MS = 5_000;
const STATEMENT_MS = 300_000;
/** Keys that are in memory at once. */
const SLICE = 10_000;

/** The right to run the warehouse, which one connection has, and the keys of users. */
export class WarehouseSession {
  private constructor(private readonly client: pg.Client) {}

  /** Throws Failure when PostgreSQL cannot be reached, or another run has the right. */
  static async open(databaseUrl: string): Promise<WarehouseSession> {
    const client = new pg.Client({
      connectionString: databaseUrl,
      connectionTimeoutMillis: CONNECT_MS,
      statement_timeout: STATEMENT_MS,
      keepAlive: true,
      application_name: 'usher warehouse run',
    });
    client.on('error', () => undefined); // a connection that ends early fails the query, too
    try {
      await client.connect();
      type Row = { isOurs: boolean };
      const { rows } = await client.query<Row>(
        `SELECT pg_try_advisory_lock(hashtext('usher warehouse run')) AS "isOurs"`,
      );
      if (rows[0]?.isOurs) return new WarehouseSession(client);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw new Failure(`PostgreSQL cannot be asked for the keys of users: ${reasonOf(error)}`);
    }
    await client.end();
    throw new Failure('Another run of the warehouse goes on. Two at once would write the same tables.');
  }

  /** Writes the key of each user who was not erased into a CSV file that only this account can read: id, key in base64. Returns how many. */
  async writeKeys(path: string): Promise<number> {
    const file = createWriteStream(path, { mode: 0o600, flags: 'wx' });
    let count = 0;
    await this.client.query('BEGIN READ ONLY');
    await this.client.query(
      `DECLARE keys NO SCROLL CURSOR FOR SELECT key_id::text AS id, encode(key, 'base64') AS key FROM warehouse_key WHERE key IS NOT NULL`,
    );
    for (;;) {
      type Row = { id: string; key: string };
      const { rows } = await this.client.query<Row>(`FETCH ${SLICE} FROM keys`);
      if (rows.length === 0) break;
      count += rows.length;
      if (!file.write(rows.map(({ id, key }) => `${id},${key}\n`).join(''))) await once(file, 'drain');
    }
    await this.client.query('COMMIT');
    file.end();
    await finished(file);
    return count;
  }

  async close(): Promise<void> {
    await this.client.end().catch(() => undefined);
  }
}
