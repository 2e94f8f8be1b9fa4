import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import pg from 'pg';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { CapturedTable } from '../../platform/warehouse/captured-table.js';
import { type TableSchema, schemaOf } from '../capture/change-reader.js';
import { type Lsn, parseLsn } from '../capture/lsn.js';
import type { RawRow } from '../capture/raw-record.js';

const CONNECT_TIMEOUT_MS = 5_000;
/** A slot is made when all transactions have ended that are open now. */
const STATEMENT_TIMEOUT_MS = 300_000;
/** Rows that are in memory at once. */
const SLICE = 5_000;
/** Values stay as PostgreSQL writes them. */
const asIs = { getTypeParser: () => (text: string) => text } as unknown as pg.CustomTypesConfig;

/** Some rows of a table as they were at a place of the log. */
export interface SnapshotSlice {
  readonly schema: TableSchema;
  readonly rows: readonly RawRow[];
}

/** All rows of some tables as they were at one place of the log: what was committed before it, and nothing after it. */
export class Snapshot {
  constructor(
    private readonly client: pg.Client,
    /** The place. */
    readonly lsn: Lsn,
  ) {}

  /** Reads a table in slices. */
  async *slicesOf(table: CapturedTable): AsyncGenerator<SnapshotSlice> {
    const columns = table.columns.map((one) => `"${one}"`).join(', ');
    await this.client.query(`DECLARE snapshot NO SCROLL CURSOR FOR SELECT ${columns} FROM "${table.name}"`);
    for (;;) {
      const { rows, fields } = await this.client.query<RawRow>(`FETCH ${SLICE} FROM snapshot`);
      if (rows.length === 0) break;
      const schema = schemaOf(
        table.name,
        fields.map(({ name, dataTypeID }) => ({ name, typeOid: dataTypeID })),
      );
      yield { schema, rows };
    }
    await this.client.query('CLOSE snapshot');
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

  /** A slot for a moment gives a snapshot and the place of the log that it belongs to; nothing else tells the two together. */
  async open(): Promise<Snapshot> {
    const slot = this.client({ replication: 'database' });
    const reader = this.client({});
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
      options: '-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=iso_8601 -c bytea_output=hex',
      types: asIs,
      ...more,
    };
    const client = new pg.Client(options);
    client.on('error', () => undefined);
    return client;
  }
}
