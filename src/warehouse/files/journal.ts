import { folderOf, type RawRecord } from '../capture/raw-record.js';

/** A file that was to be written, and the place of its last record. */
export interface JournalFile {
  readonly path: string;
  readonly last: string;
}

/** The primary key of a row, in the key's order. */
export type RowKey = readonly (string | null)[];

/** How far the rows of a table have been read that it had at the beginning. */
export interface SnapshotProgress {
  readonly table: string;
  /** The key of the last row that is in a file; encrypted, as the row is, where it is of a user. */
  readonly after: { readonly key: RowKey } | { readonly keyId: string; readonly sealed: string };
  /** Rows so far. */
  readonly count: number;
}

/** What the raw zone has of a slot. It is written before the files that it names. */
export interface JournalState {
  /** All records up to this place (RawRecord.order) are in files. */
  readonly writtenTo: string;
  /** Files with records after it: each of them is there and whole, or not there. */
  readonly files: readonly JournalFile[];
  /** The tables of which all rows were read that were there before their changes. */
  readonly snapshots: readonly string[];
  /** The table that is being read. */
  readonly reading?: SnapshotProgress | undefined;
}

/** The journal of a slot of which nothing is written yet. */
export const EMPTY_JOURNAL: JournalState = { writtenTo: '', files: [], snapshots: [] };

const folderOfPath = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** Returns the journal with only the files that still are ahead of `writtenTo`, and `added`. */
export const advanced = (
  journal: JournalState,
  writtenTo: string,
  added: readonly JournalFile[],
): JournalState => ({
  ...journal,
  writtenTo,
  files: [...journal.files.filter(({ last }) => last > writtenTo), ...added],
});

/**
 * Whether the record is in a file already, as it is when PostgreSQL sends it again. `files`: those of the journal that are there. A file has all
 * records of its folder from its first to its last, since they are written in the order in which they are sent.
 */
export const isWritten = (
  { writtenTo, files }: Pick<JournalState, 'writtenTo' | 'files'>,
  record: RawRecord,
): boolean =>
  record.order <= writtenTo ||
  files.some(({ path, last }) => record.order <= last && folderOfPath(path) === folderOf(record));
