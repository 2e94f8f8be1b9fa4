import type { Config } from '../config/config.js';

/**
 * Rows that are removed once they are old, or a part of them. A folder contributes one for each of its tables that grows with time
 * (`*.retention.ts`), and alone names that table. Columns and conditions are SQL.
 */
export interface RetentionRule {
  /** In metrics and logs: the table, and what is removed if that is not the row. */
  readonly name: string;
  readonly table: string;
  /** The timestamp by which rows become due, oldest first. It has an index, which contains the rows that are due and few others. */
  readonly orderBy: string;
  /** Which rows are due; `$1`: `after`. */
  readonly due: string;
  /** How long rows are kept, an interval of PostgreSQL: `30 days`. */
  readonly after: string;
  /** An INSERT that keeps something of the rows that are deleted, from the table `removed`, which has their columns. */
  readonly keep?: string;
  /** What is set to erase a part of the row, after which the row must no longer be due. Without it the row is deleted. */
  readonly set?: string;
}

/** Returns a folder's rules for these settings. */
export type RetentionRules = (config: Config) => readonly RetentionRule[];

/** Injection token of the list of RetentionRule. Bound in app.module.ts, since platform must not import features. */
export const RETENTION_RULES = Symbol('RETENTION_RULES');
