import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { Fallback, NewFallback } from './fallbacks.schema.js';

const COLUMNS = 'type, channels, after_seconds AS "afterSeconds", iso(updated_at) AS "updatedAt"';
const LIST = named('fallbacks', `SELECT ${COLUMNS} FROM fallback ORDER BY type`);
const GET = named('fallback', `SELECT ${COLUMNS} FROM fallback WHERE type = $1`);
const LOCK = named('fallbacks-lock', `SELECT pg_advisory_xact_lock(hashtextextended('fallbacks', 0))`);
const COUNT = named('fallback-count', 'SELECT count(*)::int AS count FROM fallback WHERE type <> $1');
const PUT = named(
  'fallback-put',
  `INSERT INTO fallback (type, channels, after_seconds) VALUES ($1, $2, $3)
   ON CONFLICT (type) DO UPDATE SET channels = excluded.channels, after_seconds = excluded.after_seconds, updated_at = now()
   RETURNING ${COLUMNS}`,
);
const REMOVE = named('fallback-remove', 'DELETE FROM fallback WHERE type = $1');

/** What follows pushes that nobody confirmed. Each batch of pushes that is queued reads it (enqueue-pushes.sql). */
@Injectable()
export class FallbackStore {
  constructor(private readonly database: Database) {}

  /** Returns all, by type. */
  list(): Promise<Fallback[]> {
    return this.database.run('important', LIST, []);
  }

  /** Lets one transaction change them at a time. Returns the one of this type, and how many others there are. */
  async lock(tx: Transaction, type: string): Promise<{ before: Fallback | undefined; others: number }> {
    await tx.run(LOCK, []);
    const [row] = await tx.run<{ count: number }>(COUNT, [type]);
    const [before] = await tx.run<Fallback>(GET, [type]);
    return { before, others: row?.count ?? 0 };
  }

  /** Creates or replaces one. */
  async put(tx: Transaction, type: string, { channels, afterSeconds }: NewFallback): Promise<Fallback> {
    const [row] = await tx.run<Fallback>(PUT, [type, channels, afterSeconds]);
    if (!row) throw new Error('the statement returns one row');
    return row;
  }

  /** Removes one. */
  async remove(tx: Transaction, type: string): Promise<void> {
    await tx.run(REMOVE, [type]);
  }
}
