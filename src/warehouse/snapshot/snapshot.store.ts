import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import pg from 'pg';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { CapturedTable } from '../../platform/warehouse/captured-table.js';
import { type TableSchema, schemaOf } from '../capture/change-reader.js';
import { type Lsn, parseLsn } from '../capture/lsn.js';
import type { RawRow } from '../capture/raw-record.js';
import { TEXT_FORMATS } from '../capture/text-formats.js';
import type { RowKey } from '../files/journal.js';

const CONNECT_TIMEOUT_MS = 5_000;
/** A slot is made when all transactions have ended that are open now. */
const STATEMENT_TIMEOUT_MS = 300_000;
/** Rows that are in memory at once. */
const SLICE = 5_000;
const quoted = (name: string): string => `"${name}"`;
/** Values stay as PostgreSQL writes them. */
const asIs = { getTypeParser: () => (text: string) => text } as unknown as pg.CustomTypesConfig;

/** Some rows of a table as they were at a place of the log. */
export interface SnapshotSlice {
  readonly schema: TableSchema;
  readonly rows: readonly RawRow[];
  /** The key of the last one; undefined if there is none. */
  readonly last: RowKey | undefined;
  /** The table has no more rows. */
  readonly isLast: boolean;
}

/** The rows of tables as they were at one place of the log: what was committed before it, and nothing after it. */
export class Snapshot {
  private readonly keys = new Map<string, readonly string[]>();

  constructor(
    private readonly client: pg.Client,
    /** The place. */
    readonly lsn: Lsn,
  ) {}

  /** Reads the next rows in the order of the primary key: after the row with the key `after`, or the first ones. */
  async sliceOf({ name, columns }: CapturedTable, after: RowKey | undefined): Promise<SnapshotSlice> {
    const key = await this.keyOf(name);
    const quotedKey = key.map(quoted).join(', ');
    const { rows, fields } = await this.client.query<RawRow>(
      `SELECT ${columns.map(quoted).join(', ')} FROM ${quoted(name)}
       ${after ? `WHERE (${quotedKey}) > (${after.map((_, n) => `$${n + 1}`).join(', ')})` : ''}
       ORDER BY ${quotedKey} LIMIT ${SLICE}`,
      [...(after ?? [])],
    );
    const schema = schemaOf(
      name,
      fields.map((field) => ({ name: field.name, typeOid: field.dataTypeID })),
    );
    const last = rows.at(-1);
    return {
      schema,
      rows,
      last: last && key.map((column) => last[column] ?? null),
      isLast: rows.length < SLICE,
    };
  }

  private async keyOf(table: string): Promise<readonly string[]> {
    const known = this.keys.get(table);
    if (known) return known;
    const { rows } = await this.client.query<{ name: string }>(
      `SELECT a.attname::text AS name FROM pg_index i CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, n)
       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
       WHERE i.indrelid = $1::regclass AND i.indisprimary ORDER BY k.n`,
      [quoted(table)],
    );
    const key = rows.map(({ name }) => name);
    this.keys.set(table, key);
    return key;
  }

  /** Ends it. */
  async close(): Promise<void> {
    await this.client.end().catch(() => undefined);
  }
}

/** Reads the rows that were there before their changes were captured. */
@Injectable()
export class SnapshotStore {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /**
   * A slot for a moment gives a snapshot and the place of the log that it belongs to; nothing else tells the two together. Rejects when `signal` aborts
   * meanwhile.
   */
  async open(signal: AbortSignal): Promise<Snapshot> {
    const slot = this.client({ replication: 'database' });
    const reader = this.client({});
    const stop = () => void slot.end().catch(() => undefined);
    signal.addEventListener('abort', stop);
    try {
      await slot.connect();
      const { rows } = await slot.query<{ consistent_point: string; snapshot_name: string }>(
        `CREATE_REPLICATION_SLOT usher_snapshot_${randomBytes(8).toString('hex')} TEMPORARY LOGICAL pgoutput (SNAPSHOT 'export')`,
      );
      const [made] = rows;
      if (!made) throw new Error('PostgreSQL made no snapshot');
      await reader.connect();
      await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      await reader.query(`SET TRANSACTION SNAPSHOT '${made.snapshot_name}'`);
      return new Snapshot(reader, parseLsn(made.consistent_point));
    } catch (error) {
      await reader.end().catch(() => undefined);
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      // The transaction has the snapshot by now, and the slot would keep the log.
      await slot.end().catch(() => undefined);
    }
  }

  private client(more: { readonly replication?: 'database' }): pg.Client {
    const options = {
      connectionString: this.config.DATABASE_URL,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
      keepAlive: true,
      application_name: 'usher warehouse snapshot',
      options: TEXT_FORMATS,
      types: asIs,
      ...more,
    };
    const client = new pg.Client(options);
    client.on('error', () => undefined);
    return client;
  }
}
