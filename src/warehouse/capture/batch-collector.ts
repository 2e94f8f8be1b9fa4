import type { Pgoutput } from 'pg-logical-replication';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import type { RawFiles } from '../files/raw-files.js';
import { ChangeReader } from './change-reader.js';
import type { Lsn } from './lsn.js';
import type { RawRecord } from './raw-record.js';

/** What a record has besides its values, in bytes, roughly. */
const OVERHEAD = 300;

/** When a batch is written, and what is told of it. */
export interface BatchOptions {
  readonly files: RawFiles;
  readonly maxBytes: number;
  readonly maxMs: number;
  readonly onWritten: (written: { readonly records: readonly RawRecord[]; readonly files: number }) => void;
  /** Called when everything before this place of the log is in files. */
  readonly onDurable: (lsn: Lsn) => Promise<void>;
}

/** Keeps the records of the stream until there are enough of them, or the first one is old enough, and writes them. */
export class BatchCollector {
  private readonly reader = new ChangeReader();
  private records: RawRecord[] = [];
  private bytes = 0;
  private since = monotonicNow();
  private completeTo: Lsn = 0n;
  private durable: Lsn = 0n;

  constructor(private readonly options: BatchOptions) {}

  /** Everything before this place of the log is in files. 0 until something is. */
  get durableTo(): Lsn {
    return this.durable;
  }

  /** Adds what the message brings. The promise is settled when the next one may come: at the end of a batch, when that is written. */
  async add(lsn: Lsn, message: Pgoutput.Message): Promise<void> {
    const { records, committedTo } = this.reader.read(lsn, message);
    for (const record of records) if (!this.options.files.has(record)) this.keep(record);
    if (committedTo !== undefined) this.completeTo = committedTo;
    // A transaction may be larger than memory: its first records are written before it is complete, and recognised when they come again.
    if (this.bytes >= this.options.maxBytes || (committedTo !== undefined && this.isDue)) await this.write();
  }

  private get isDue(): boolean {
    return this.records.length === 0 || monotonicNow() - this.since >= this.options.maxMs;
  }

  private keep(record: RawRecord): void {
    if (this.records.length === 0) this.since = monotonicNow();
    this.records.push(record);
    this.bytes += sizeOf(record);
  }

  private async write(): Promise<void> {
    const { records } = this;
    for (const table of new Set(records.map((one) => one.table))) {
      const schema = this.reader.schemaOf(table);
      if (schema) await this.options.files.learn(schema);
    }
    const files = await this.options.files.write(records);
    this.durable = this.completeTo;
    this.records = [];
    this.bytes = 0;
    if (files > 0) this.options.onWritten({ records, files });
    await this.options.onDurable(this.durable);
  }
}

const sizeOf = ({ row }: RawRecord): number =>
  Object.values(row ?? {}).reduce((sum, value) => sum + (value?.length ?? 0), OVERHEAD);
