import { Injectable, Logger } from '@nestjs/common';
import type { CapturedTable } from '../../platform/warehouse/captured-table.js';
import { type RawRecord, snapshotOrder } from '../capture/raw-record.js';
import { RawFilesService } from '../files/raw-files.service.js';
import type { RawFiles } from '../files/raw-files.js';
import { type Snapshot, type SnapshotSlice, SnapshotStore } from './snapshot.store.js';

/** Writes the rows that were there before their changes are captured. */
@Injectable()
export class SnapshotService {
  private readonly log = new Logger('warehouse');

  constructor(
    private readonly store: SnapshotStore,
    private readonly files: RawFilesService,
  ) {}

  /** Writes the rows of the tables that have no snapshot yet: of all when a slot is new, later of those that came to be captured. */
  async take(files: RawFiles, signal: AbortSignal): Promise<void> {
    const tables = this.files.tables.filter(({ name }) => !files.hasSnapshotOf(name));
    if (tables.length === 0) return;
    const snapshot = await this.store.open();
    const beganAt = new Date().toISOString();
    let count = 0; // of all tables: a record's place is its own among all of them
    try {
      for (const table of tables)
        count += await this.write(table, { snapshot, files, beganAt, signal, before: count });
    } finally {
      await snapshot.close();
    }
  }

  /** Returns how many rows it wrote. */
  private async write(table: CapturedTable, to: Target): Promise<number> {
    let count = 0;
    for await (const slice of to.snapshot.slicesOf(table)) {
      if (to.signal.aborted) return count;
      await to.files.learn(slice.schema);
      const records = recordsOf(slice, to.before + count, to);
      await to.files.writeSnapshot(records);
      this.files.written({ records, files: 1 });
      count += records.length;
    }
    if (to.signal.aborted) return count;
    await to.files.finishSnapshotOf(table.name);
    this.log.log(`snapshot of ${table.name}: ${count} rows`);
    return count;
  }
}

interface Target {
  readonly snapshot: Snapshot;
  readonly files: RawFiles;
  readonly beganAt: string;
  readonly signal: AbortSignal;
  /** Rows of the tables before. */
  readonly before: number;
}

const recordsOf = (
  { schema, rows }: SnapshotSlice,
  before: number,
  { snapshot: { lsn }, beganAt }: Target,
): RawRecord[] =>
  rows.map((row, n) => ({
    order: snapshotOrder(lsn, before + n),
    table: schema.table,
    op: 'snapshot',
    lsn,
    committedAt: beganAt,
    xid: null,
    schema: schema.hash,
    row,
  }));
