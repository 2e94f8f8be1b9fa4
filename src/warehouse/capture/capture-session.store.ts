import { Inject, Injectable } from '@nestjs/common';
import pg from 'pg';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { CapturedTable } from '../../platform/warehouse/captured-table.js';
import { IS_LOST, OUR_SLOTS } from './our-slots.js';
import { changePublication, PUBLICATION } from './publication.js';

const CONNECT_TIMEOUT_MS = 3_000;
const STATEMENT_TIMEOUT_MS = 60_000;
const MARKER = 'usher_warehouse';

/** A slot of ours. Its id, the time at which it was made, is in its name. */
export interface Slot {
  readonly name: string;
  readonly id: string;
}

/** The right to capture, which one connection of all nodes has. It ends with the connection. */
export class CaptureSession {
  constructor(private readonly client: pg.Client) {}

  /** Returns what PostgreSQL lacks, a sentence each; empty when changes can be captured. */
  async missing(): Promise<string[]> {
    const { rows } = await this.client.query<{ walLevel: string; mayReplicate: boolean; role: string }>(
      `SELECT current_setting('wal_level') AS "walLevel", r.rolname AS role, r.rolreplication OR r.rolsuper
         OR EXISTS (SELECT FROM pg_roles g WHERE g.rolname = 'rds_replication' AND pg_has_role(g.oid, 'member')) AS "mayReplicate"
       FROM pg_roles r WHERE r.rolname = current_user`,
    );
    const [found] = rows;
    return [
      ...(found?.walLevel === 'logical'
        ? []
        : [
            `PostgreSQL has wal_level=${found?.walLevel}: set wal_level=logical and restart it (ALTER SYSTEM SET wal_level = logical).`,
          ]),
      ...(found?.mayReplicate
        ? []
        : [`The role may not replicate: ALTER ROLE "${found?.role}" REPLICATION.`]),
    ];
  }

  /** Makes the publication have these tables and columns. */
  async publish(tables: readonly CapturedTable[]): Promise<void> {
    const { rows } = await this.client.query<{ name: string; columns: string[] }>(
      `SELECT tablename::text AS name, attnames::text[] AS columns FROM pg_publication_tables WHERE pubname = $1`,
      [PUBLICATION],
    );
    const exists = await this.client.query('SELECT FROM pg_publication WHERE pubname = $1', [PUBLICATION]);
    const change = changePublication(tables, exists.rowCount === 1 ? rows : undefined);
    if (change !== undefined) await this.client.query(change);
  }

  /**
   * Returns the slot to read from, made if there is none; `lost`: those that PostgreSQL had given up, which are dropped. A slot that is followed to a
   * standby (failover) needs `synchronized_standby_slots` there.
   */
  async slot(): Promise<{ readonly slot: Slot; readonly lost: readonly string[] }> {
    const { rows } = await this.client.query<{ name: string; isLost: boolean }>(
      `SELECT slot_name::text AS name, ${IS_LOST} AS "isLost" FROM pg_replication_slots
       WHERE ${OUR_SLOTS} ORDER BY slot_name DESC`,
    );
    const lost = rows.filter(({ isLost }) => isLost).map(({ name }) => name);
    for (const name of lost) await this.client.query('SELECT pg_drop_replication_slot($1)', [name]);
    const kept = rows.find(({ isLost }) => !isLost);
    return { slot: slotOf(kept?.name ?? (await this.createSlot())), lost };
  }

  /** Writes a message into the log. It comes back by the stream, also when nothing else is written. */
  async mark(): Promise<void> {
    await this.client.query(`SELECT pg_logical_emit_message(true, '${MARKER}', '')`);
  }

  /** Ends it. May be called more than once. */
  async close(): Promise<void> {
    await this.client.end().catch(() => undefined);
  }

  private async createSlot(): Promise<string> {
    const { rows } = await this.client.query<{ name: string }>(
      `SELECT slot_name::text AS name FROM pg_create_logical_replication_slot(
         'usher_warehouse_' || (SELECT oid FROM pg_database WHERE datname = current_database()) || '_'
           || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSMS'),
         'pgoutput', failover => true)`,
    );
    return rows[0]?.name ?? '';
  }
}

const slotOf = (name: string): Slot => ({ name, id: name.slice(name.lastIndexOf('_') + 1) });

/** Who of all nodes captures. */
@Injectable()
export class CaptureSessionStore {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** Returns undefined while another node has the session. */
  async open(): Promise<CaptureSession | undefined> {
    const client = new pg.Client({
      connectionString: this.config.DATABASE_URL,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
      keepAlive: true,
      application_name: 'usher warehouse',
    });
    // What uses the connection next learns that it is broken.
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ isOurs: boolean }>(
        `SELECT pg_try_advisory_lock(hashtext('usher warehouse capture')) AS "isOurs"`,
      );
      if (rows[0]?.isOurs) return new CaptureSession(client);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    await client.end();
    return undefined;
  }
}
