import { named } from '../platform/postgres/statement.js';
import type { UserErasure } from '../platform/retention/user-erasure.js';

const SLOTS = `SELECT FROM pg_replication_slots
  WHERE database = current_database() AND slot_name LIKE 'usher\\_warehouse\\_%'`;

/**
 * The user's key is destroyed: nobody can read their rows in raw files any more, nor in copies of them. While changes are captured, the log still
 * has some of the user's that are in no file yet. Until they have been read, a row without a key says that they are not to be written.
 */
export const warehouseErasure: UserErasure = {
  statements: [
    named(
      'erase-warehouse-key',
      `INSERT INTO warehouse_key (user_id, erased_lsn, bucket)
       SELECT $1, pg_current_wal_insert_lsn() - '0/0'::pg_lsn, bucket_of($1) WHERE EXISTS (${SLOTS})
       ON CONFLICT (user_id, bucket) DO UPDATE SET key = NULL, erased_lsn = excluded.erased_lsn`,
    ),
    named('forget-warehouse-key', `DELETE FROM warehouse_key WHERE user_id = $1 AND NOT EXISTS (${SLOTS})`),
  ],
};
