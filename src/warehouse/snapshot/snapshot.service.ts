import { Injectable, Logger } from '@nestjs/common';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import type { CapturedTable } from '../../platform/warehouse/captured-table.js';
import type { Lsn } from '../capture/lsn.js';
import { type RawRecord, snapshotOrder } from '../capture/raw-record.js';
import { RawFilesService } from '../files/raw-files.service.js';
import type { RawFiles, ReadRows } from '../files/raw-files.js';
import { type Snapshot, type SnapshotSlice, SnapshotStore } from './snapshot.store.js';

/** A piece is read in one transaction. As long as it is open, PostgreSQL removes no dead rows, in no table. */
const PIECE_MS = 30_000;

/**
 * Writes the rows that were there before their changes are captured. Changes are captured meanwhile: a row's place says which of them it has, so whoever
 * sorts by place has the newest one last.
 */
@Injectable()
export class SnapshotService {
  private readonly log = new Logger('warehouse');

  constructor(
    private readonly store: SnapshotStore,
    private readonly files: RawFilesService,
  ) {}

  /** Writes the rows of the tables that have no snapshot yet: of all when a slot is new, later of those that came to be captured. */
  async take(files: RawFiles, signal: AbortSignal): Promise<void> {
    for (const table of this.files.tables.filter(({ name }) => !files.hasSnapshotOf(name)))
      try {
        await this.takeTable(table, files, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
  }

  /** A table that is larger than a piece goes on in the next one, after the last row that is in a file, whichever node wrote it. */
  private async takeTable(table: CapturedTable, files: RawFiles, signal: AbortSignal): Promise<void> {
    const target: Target = { files, signal, read: await files.readRowsOf(table.name) };
    let isDone = false;
    while (!isDone && !signal.aborted) {
      const snapshot = await this.store.open(signal);
      try {
        isDone = await this.takePiece(snapshot, table, target);
      } finally {
        await snapshot.close();
      }
    }
    if (!isDone) return;
    await files.finishSnapshotOf(table.name);
    this.log.log(`snapshot of ${table.name}: ${target.read.count} rows`);
  }

  /** Returns whether the table has no more rows. */
  private async takePiece(snapshot: Snapshot, table: CapturedTable, to: Target): Promise<boolean> {
    const until = monotonicNow() + PIECE_MS;
    const beganAt = new Date().toISOString();
    const before = to.read.count;
    while (!to.signal.aborted && monotonicNow() < until) {
      const slice = await snapshot.sliceOf(table, to.read.after);
      const { rows, last: after } = slice;
      const read = { after, count: to.read.count + rows.length };
      if (rows.length > 0) {
        const records = recordsOf(slice, { lsn: snapshot.lsn, beganAt, before: to.read.count - before });
        await to.files.learn(slice.schema);
        await to.files.writeSnapshot(records, read);
        this.files.written({ records, files: 1 });
      }
      to.read = read;
      if (slice.isLast) return true;
    }
    return false;
  }
}

interface Target {
  readonly files: RawFiles;
  readonly signal: AbortSignal;
  /** How far the table has been read. */
  read: ReadRows;
}

/** `before`: rows of the piece that came before. */
const recordsOf = (
  { schema, rows }: SnapshotSlice,
  piece: { readonly lsn: Lsn; readonly beganAt: string; readonly before: number },
): RawRecord[] =>
  rows.map((row, n) => ({
    order: snapshotOrder(piece.lsn, piece.before + n),
    table: schema.table,
    op: 'snapshot',
    lsn: piece.lsn,
    committedAt: piece.beganAt,
    xid: null,
    schema: schema.hash,
    row,
  }));
