import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { Pause } from './pauses.schema.js';

const COLUMNS = 'vendor, critical, iso(since) AS since';
const PUT = named(
  'push-pause-put',
  `INSERT INTO push_pause AS p (vendor, critical) VALUES ($1, $2)
   ON CONFLICT (vendor) DO UPDATE SET critical = excluded.critical
   RETURNING ${COLUMNS}, CASE WHEN old.vendor IS NOT NULL THEN json_build_object('critical', old.critical) END AS before`,
);
const REMOVE = named('push-pause-remove', `DELETE FROM push_pause WHERE vendor = $1 RETURNING ${COLUMNS}`);

const LIST = named('push-pauses', `SELECT ${COLUMNS} FROM push_pause ORDER BY vendor`);

/** The providers whose pushes are held back. Each claim of pushes reads it (claim-pushes.sql). */
@Injectable()
export class PauseStore {
  constructor(private readonly database: Database) {}

  /** Returns all pauses. */
  list(): Promise<Pause[]> {
    return this.database.run('routine', LIST, []);
  }

  /** Returns the pause, and what it was before; null for a new one. */
  async put(
    tx: Transaction,
    vendor: string,
    critical: boolean,
  ): Promise<{ pause: Pause; before: { critical: boolean } | null }> {
    const [row] = await tx.run<Pause & { before: { critical: boolean } | null }>(PUT, [vendor, critical]);
    if (!row) throw new Error('the statement returns one row');
    const { before, ...pause } = row;
    return { pause, before };
  }

  /** Returns the pause that ended; undefined when there was none. */
  async remove(tx: Transaction, vendor: string): Promise<Pause | undefined> {
    return (await tx.run<Pause>(REMOVE, [vendor]))[0];
  }
}
