import type { TestDatabase } from './database.js';

/** Whether a statement of a node waits for a lock in this database. */
export async function isWaitingForLock(database: TestDatabase): Promise<boolean> {
  const rows = await database.query(
    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows.length > 0;
}
