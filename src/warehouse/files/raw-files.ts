import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { TableSchema } from '../capture/change-reader.js';
import { folderOf, type RawRecord } from '../capture/raw-record.js';
import {
  advanced,
  EMPTY_JOURNAL,
  isWritten,
  type JournalFile,
  type JournalState,
  type RowKey,
  type SnapshotProgress,
} from './journal.js';
import { rawLine, sealed, unsealed, type UserKey } from './raw-line.js';
import type { RawZone } from './raw-zone.js';

const compress = promisify(gzip);

/** What all lines of a slot have in common, and how the row of a user is encrypted. */
export interface RawFilesOptions {
  readonly zone: RawZone;
  readonly slot: string;
  readonly producer: string;
  /** Returns the user whose row it is; undefined for a row of nobody. */
  readonly userOf: (record: RawRecord) => string | undefined;
  readonly keysOf: (userIds: ReadonlySet<string>) => Promise<ReadonlyMap<string, UserKey>>;
  /** Returns the key with this id; undefined once its user was erased. */
  readonly keyWithId: (keyId: string) => Promise<Uint8Array | undefined>;
}

/** How far a table has been read: the key of its last row that is in a file, and how many rows are. */
export interface ReadRows {
  readonly after?: RowKey | undefined;
  readonly count: number;
}

/** Writes the records of one slot into files, each record once. */
export class RawFiles {
  private readonly knownSchemas = new Set<string>();
  private lastTurn: Promise<void> = Promise.resolve();

  private constructor(
    private readonly options: RawFilesOptions,
    private journal: JournalState,
  ) {}

  /** Reads the journal, and looks which of the files that it names are there: a crash may have left some of them out. */
  static async open(options: RawFilesOptions): Promise<RawFiles> {
    const { zone, slot } = options;
    const text = await zone.read(journalPath(slot));
    const journal = text === undefined ? EMPTY_JOURNAL : (JSON.parse(text) as JournalState);
    const files: JournalFile[] = [];
    for (const file of journal.files) if (await zone.has(file.path)) files.push(file);
    return new RawFiles(options, { ...journal, files });
  }

  /** The slot's id. */
  get slot(): string {
    return this.options.slot;
  }

  /** Whether the record has been written before. */
  has(record: RawRecord): boolean {
    return isWritten(this.journal, record);
  }

  /** Whether the rows have been read that the table had at the beginning. */
  hasSnapshotOf(table: string): boolean {
    return this.journal.snapshots.includes(table);
  }

  /** Writes records of the stream, in its order, none of which has been written before. Returns how many files were made. */
  async write(records: readonly RawRecord[]): Promise<number> {
    const last = records.at(-1);
    if (!last) return 0;
    const groups = [...byFolder(records)];
    const planned = groups.map(([folder, group]) => this.planFile(folder, group));
    await this.save((journal) => advanced(journal, journal.writtenTo, planned));
    await this.putAll(groups.map(([, group], n) => [planned[n] as JournalFile, group]));
    // It is saved with the next files: until then they are found.
    await this.inTurn(async () => void (this.journal = advanced(this.journal, last.order, [])));
    return planned.length;
  }

  /** Writes rows of a snapshot, also while those of the stream are written, and how far it is then. Rows that are read again have other places. */
  async writeSnapshot(records: readonly RawRecord[], read: ReadRows): Promise<void> {
    for (const [folder, group] of byFolder(records))
      await this.putAll([[this.planFile(folder, group), group]]);
    const reading = await this.progressOf(records.at(-1), read);
    if (reading) await this.save((journal) => ({ ...journal, reading }));
  }

  /** Returns how far the rows of the table were read, by whatever node; from the beginning if the user of the last one was erased meanwhile. */
  async readRowsOf(table: string): Promise<ReadRows> {
    const { reading } = this.journal;
    if (reading?.table !== table) return { count: 0 };
    const { after, count } = reading;
    if ('key' in after) return { after: after.key, count };
    const key = await this.options.keyWithId(after.keyId);
    return key ? { after: unsealed(after.sealed, key) as RowKey, count } : { count: 0 };
  }

  /** All rows of the table's snapshot are written. */
  async finishSnapshotOf(table: string): Promise<void> {
    await this.save((journal) => ({
      ...journal,
      snapshots: [...journal.snapshots, table],
      reading: undefined,
    }));
  }

  /** Writes which columns a table has, so that a record's hash can be looked up. */
  async learn({ table, hash, columns }: TableSchema): Promise<void> {
    const path = `_schemas/${table}/${hash}.json`;
    if (this.knownSchemas.has(path)) return;
    await this.options.zone.put(path, Buffer.from(JSON.stringify({ table, schema: hash, columns })));
    this.knownSchemas.add(path);
  }

  /** Undefined where it cannot be told without naming a user who was erased. */
  private async progressOf(
    last: RawRecord | undefined,
    { after: key, count }: ReadRows,
  ): Promise<SnapshotProgress | undefined> {
    if (!last || !key) return undefined;
    const { table } = last;
    const userId = this.options.userOf(last);
    if (userId === undefined) return { table, after: { key }, count };
    const user = (await this.options.keysOf(new Set([userId]))).get(userId);
    if (!user?.key) return undefined;
    return { table, after: { keyId: user.keyId, sealed: sealed(key, user.key) }, count };
  }

  private planFile(folder: string, group: readonly RawRecord[]): JournalFile {
    const [first, last] = [group[0]?.order ?? '', group.at(-1)?.order ?? ''];
    return { path: `${folder}/${this.options.slot}.${first}.ndjson.gz`, last };
  }

  private async putAll(files: readonly (readonly [JournalFile, readonly RawRecord[]])[]): Promise<void> {
    const { keysOf, userOf, zone } = this.options;
    const users = new Set(
      files.flatMap(([, records]) => records.map(userOf).filter((one) => one !== undefined)),
    );
    const keys = await keysOf(users);
    for (const [{ path }, records] of files) await zone.put(path, await this.encode(path, records, keys));
  }

  private encode(
    path: string,
    records: readonly RawRecord[],
    keys: ReadonlyMap<string, UserKey>,
  ): Promise<Buffer> {
    const { slot, producer, userOf } = this.options;
    const file = path.slice(path.lastIndexOf('/') + 1);
    const lines = records.map((record, n) => {
      const userId = userOf(record);
      const key = userId === undefined ? undefined : keys.get(userId);
      if (userId !== undefined && key === undefined)
        throw new Error('a user has no key: their row cannot be written');
      return `${rawLine(record, key, { slot, producer, file, n: n + 1 })}\n`;
    });
    return compress(lines.join(''));
  }

  private save(change: (journal: JournalState) => JournalState): Promise<void> {
    return this.inTurn(async () => {
      const journal = change(this.journal);
      await this.options.zone.put(journalPath(this.options.slot), Buffer.from(JSON.stringify(journal)));
      this.journal = journal;
    });
  }

  /** The stream and the snapshot change the journal one after the other: neither undoes what the other says. */
  private inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.lastTurn.then(act);
    this.lastTurn = turn.catch(() => undefined);
    return turn;
  }
}

const journalPath = (slot: string): string => `_journal/${slot}.json`;

function byFolder(records: readonly RawRecord[]): Map<string, RawRecord[]> {
  const groups = new Map<string, RawRecord[]>();
  for (const record of records) {
    const group = groups.get(folderOf(record));
    if (group) group.push(record);
    else groups.set(folderOf(record), [record]);
  }
  return groups;
}
