import { type Lsn, sortableLsn } from './lsn.js';

/** What happened to a row; `snapshot`: so it was when all rows of its table were read. */
export type RawOperation = 'snapshot' | 'insert' | 'update' | 'delete' | 'truncate';

/** Values as PostgreSQL writes them as text. A long one that an update left as it was is undefined. */
export type RawRow = Record<string, string | null | undefined>;

/** One change of one row, as it goes into the raw zone. */
export interface RawRecord {
  /** Where it stands among all records of its slot, as text that sorts: see `streamOrder`. */
  readonly order: string;
  readonly table: string;
  readonly op: RawOperation;
  /** Where the change stands in PostgreSQL's log. */
  readonly lsn: Lsn;
  /** ISO 8601. Of a snapshot: when the piece that it is in was begun. */
  readonly committedAt: string;
  /** The transaction; null for a snapshot. */
  readonly xid: number | null;
  /** A hash of the names and types of the columns. */
  readonly schema: string;
  /** Null for `truncate`. For `delete` the primary key. */
  readonly row: RawRow | null;
}

const SEQUENCE_DIGITS = 10;
const sequence = (n: number): string => String(n).padStart(SEQUENCE_DIGITS, '0');

/**
 * Returns the place of the nth change of the transaction whose commit is at `commitLsn`. PostgreSQL sends transactions in the order of their
 * commits, and the changes of one always in the same order, so a change that is sent again has the same place.
 */
export const streamOrder = (commitLsn: Lsn, n: number): string =>
  `${sortableLsn(commitLsn)}.1.${sequence(n)}`;

/** Returns the place of the nth row of a snapshot, which has what was committed before `at`, and nothing else. */
export const snapshotOrder = (at: Lsn, n: number): string => `${sortableLsn(at)}.0.${sequence(n)}`;

/** Returns the folder of a record in the raw zone: its table, and the date and hour (UTC) of its commit. */
export const folderOf = ({ table, committedAt }: Pick<RawRecord, 'table' | 'committedAt'>): string =>
  `${table}/date=${committedAt.slice(0, 10)}/hour=${committedAt.slice(11, 13)}`;
