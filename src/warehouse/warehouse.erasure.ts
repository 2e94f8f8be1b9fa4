import { named } from '../platform/postgres/statement.js';
import type { UserErasure } from '../platform/retention/user-erasure.js';
import { OUR_SLOTS } from './capture/our-slots.js';

const SLOTS = `SELECT FROM pg_replication_slots WHERE ${OUR_SLOTS}`;

/**
 * The user's key is destroyed: nobody can read their rows in raw files any more, nor in copies of them. While changes are captured, the log still
 * has some of the user's that are in no file yet. A row without a key says that they are not to be written. How long it stays is not known here,
 * but only once this transaction is committed: see UserKeyStore.forgetErased.
 */
export const warehouseErasure: UserErasure = {
  statements: [
    named(
      'erase-warehouse-key',
      `INSERT INTO warehouse_key (user_id, bucket) SELECT $1, bucket_of($1) WHERE EXISTS (${SLOTS})
       ON CONFLICT (user_id, bucket) DO UPDATE SET key = NULL, erased_lsn = NULL`,
    ),
    named('forget-warehouse-key', `DELETE FROM warehouse_key WHERE user_id = $1 AND NOT EXISTS (${SLOTS})`),
  ],
};
