import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import { OUR_SLOTS } from './our-slots.js';

const LAG = named(
  'warehouse-lag',
  `SELECT coalesce(max(pg_current_wal_lsn() - coalesce(confirmed_flush_lsn, restart_lsn)), 0)::float8 AS "lagBytes"
   FROM pg_replication_slots WHERE ${OUR_SLOTS}`,
);

/** What PostgreSQL says of the slot of the warehouse. */
@Injectable()
export class SlotStore {
  constructor(private readonly database: Database) {}

  /** Returns how many bytes of the log are in no file yet. */
  async lagBytes(): Promise<number> {
    const [row] = await this.database.run<{ lagBytes: number }>('routine', LAG, []);
    return row?.lagBytes ?? 0;
  }
}
