import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../postgres/database.js';
import { named } from '../postgres/statement.js';
import type { RetentionRule } from './retention-rule.js';

/** Where a batch begins: only rows of this time and later. The first batch begins at START. */
export const START = '-infinity';

/** What a batch removed, and where the next one begins. */
export interface RemovedBatch {
  readonly count: number;
  readonly cursor: string;
}

/** Removes what is due by a rule, batch by batch. */
@Injectable()
export class RetentionStore {
  private readonly statements = new Map<RetentionRule, Statement>();

  constructor(private readonly database: Database) {}

  /** Removes at most `limit` rows that are due, the oldest first. Rows that another transaction has locked are skipped. */
  async removeBatch(rule: RetentionRule, cursor: string, limit: number): Promise<RemovedBatch> {
    const statement = this.statements.get(rule) ?? removal(rule);
    this.statements.set(rule, statement);
    type Row = { count: number; cursor: string | null };
    const [row] = await this.database.run<Row>('routine', statement, [rule.after, cursor, limit]);
    return { count: row?.count ?? 0, cursor: row?.cursor ?? cursor };
  }

  /** Whether others wait for a connection of the lane that batches run in. */
  get isLaneBusy(): boolean {
    return this.database.waiting('routine') > 0;
  }
}

/**
 * $1: how long rows are kept · $2: where to begin · $3: how many at most. Returns count, and as cursor the time of the newest removed row. Without the
 * cursor each batch would read over the index entries of all rows that were removed before: they stay until a vacuum, and while a long
 * transaction runs (a dump, say) no vacuum removes them. By ctid, since the rows are locked and cannot move: half the work of the primary
 * key, and never a scan of the table, whatever the planner believes.
 */
function removal({ name, table, orderBy, due, set, keep }: RetentionRule): Statement {
  const action = set === undefined ? `DELETE FROM ${table}` : `UPDATE ${table} SET ${set}`;
  return named(
    `remove-${name.replaceAll(' ', '-')}`,
    `WITH due AS MATERIALIZED (
       SELECT ctid AS row FROM ${table} WHERE ${due} AND ${orderBy} >= $2::timestamptz
       ORDER BY ${orderBy} LIMIT $3 FOR UPDATE SKIP LOCKED
     ), removed AS (
       ${action} WHERE ctid = ANY (ARRAY(SELECT due.row FROM due)) RETURNING ${keep === undefined ? orderBy : '*'}
     )${keep === undefined ? '' : `, kept AS (${keep})`}
     SELECT count(*)::int AS count, max(${orderBy})::text AS cursor FROM removed`,
  );
}
