import { hostname } from 'node:os';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { INSTALLATION } from '../../platform/postgres/installation.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { CAPTURED_TABLES, type CapturedTable } from '../../platform/warehouse/captured-table.js';
import type { Slot } from '../capture/capture-session.store.js';
import type { RawRecord } from '../capture/raw-record.js';
import { UserKeyStore } from '../keys/user-key.store.js';
import { RawFiles } from './raw-files.js';
import { RAW_ZONE, type RawZone } from './raw-zone.js';

/** The raw files of this installation, and what is counted of them. */
@Injectable()
export class RawFilesService {
  private readonly log = new Logger('warehouse');
  private readonly records: Counter<'table'>;
  private readonly filesWritten: Counter;
  private readonly slotsLost: Counter;
  private readonly userColumns: ReadonlyMap<string, string | undefined>;

  constructor(
    @Inject(RAW_ZONE) private readonly zone: RawZone,
    @Inject(CAPTURED_TABLES) readonly tables: readonly CapturedTable[],
    @Inject(INSTALLATION) private readonly installation: string,
    private readonly keys: UserKeyStore,
    metrics: MetricsService,
  ) {
    this.userColumns = new Map(tables.map(({ name, userColumn }) => [name, userColumn]));
    this.records = metrics.counter(
      'warehouse_records_total',
      'Changes that were written into the raw zone, by table.',
      ['table'],
    );
    this.filesWritten = metrics.counter(
      'warehouse_files_total',
      'Files that were written into the raw zone. If it stands still while `usher_warehouse_lag_bytes` grows, the log of the worker says why.',
    );
    this.slotsLost = metrics.counter(
      'warehouse_slots_lost_total',
      'Slots that PostgreSQL gave up since nobody read them in time: changes are missing in the raw zone, and a new snapshot was made. Alarm on any.',
    );
  }

  /** Where the files are, for people. */
  get place(): string {
    return this.zone.description;
  }

  /** Returns the files of a slot. */
  open({ id }: Slot): Promise<RawFiles> {
    return RawFiles.open({
      zone: this.zone,
      slot: id,
      producer: `${this.installation}/${hostname()}`,
      userOf: (record) => this.userOf(record),
      keysOf: (userIds) => this.keys.keysOf(userIds),
      keyWithId: (keyId) => this.keys.keyWithId(keyId),
    });
  }

  /** Counts what was written. */
  written({ records, files }: { readonly records: readonly RawRecord[]; readonly files: number }): void {
    for (const { table } of records) this.records.inc({ table });
    this.filesWritten.inc(files);
  }

  /** Says that PostgreSQL gave up a slot. */
  countLost(name: string): void {
    this.slotsLost.inc();
    this.log.error(
      `PostgreSQL gave up the slot ${name}, since it was not read in time (max_slot_wal_keep_size): changes since then are in no file. A new slot begins with a snapshot.`,
    );
  }

  /** Forgets who was erased, but not while a snapshot is taken: rows of theirs may have been read, and be in no file yet. */
  async forgetErased(files: RawFiles): Promise<void> {
    if (this.tables.every(({ name }) => files.hasSnapshotOf(name))) await this.keys.forgetErased();
  }

  private userOf({ table, row }: RawRecord): string | undefined {
    const column = this.userColumns.get(table);
    return column === undefined || row === null ? undefined : (row[column] ?? undefined);
  }
}
