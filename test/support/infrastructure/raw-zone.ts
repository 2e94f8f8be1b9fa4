import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { decrypt } from '../../../src/platform/crypto/aes-gcm.js';
import { throwAwayFolder } from '../../../tools/places.mjs';
import { type EmbeddedPostgres, startPostgres } from '../../../tools/databases/postgres.mjs';
import { migratedDatabase, type TestDatabase } from './database.js';

/** A line of a raw file. */
export interface RawLine {
  readonly id: string;
  readonly table: string;
  readonly op: string;
  readonly lsn: string;
  readonly committed_at: string;
  readonly xid: number | null;
  readonly schema: string;
  readonly producer: string;
  readonly file: string;
  readonly n: number;
  readonly key_id?: string;
  readonly sealed?: string;
  readonly is_erased?: boolean;
  /** As it is in the file, or decrypted. Undefined where nobody can decrypt it. */
  readonly row?: Readonly<Record<string, string | null>>;
}

/** A PostgreSQL of the test's own whose changes can be captured. */
export interface LogicalPostgres {
  readonly server: EmbeddedPostgres;
  readonly database: TestDatabase;
  stop(): Promise<void>;
}

/** Starts it. `more`: further settings. */
export async function startLogicalPostgres(more: readonly string[] = []): Promise<LogicalPostgres> {
  const server = await startPostgres({
    dataDir: join(throwAwayFolder('test'), 'postgres'),
    durable: false,
    more: ['wal_level=logical', ...more],
  });
  const database = await migratedDatabase(server.url);
  return { server, database, stop: () => server.stop() };
}

/** Returns the paths of all raw files, by slot and place in it. */
export async function rawFilesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => [] as string[]);
  return names.filter((name) => name.endsWith('.ndjson.gz')).toSorted();
}

/** Returns all lines of all raw files in the order of their ids, decrypted as far as the database has the keys. */
export async function readRawZone(folder: string, database: TestDatabase): Promise<RawLine[]> {
  const keys = new Map(
    (
      await database.query<{ id: string; key: Buffer | null }>(
        'SELECT key_id::text AS id, key FROM warehouse_key',
      )
    ).map(({ id, key }) => [id, key]),
  );
  const lines: RawLine[] = [];
  for (const path of await rawFilesIn(folder)) {
    const text = gunzipSync(await readFile(join(folder, path))).toString('utf8');
    for (const line of text.trimEnd().split('\n')) lines.push(opened(JSON.parse(line) as RawLine, keys));
  }
  return lines.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function opened(line: RawLine, keys: ReadonlyMap<string, Buffer | null>): RawLine {
  const key = keys.get(line.key_id ?? '');
  if (line.sealed === undefined || !key) return line;
  return {
    ...line,
    row: JSON.parse(decrypt(key, Buffer.from(line.sealed, 'base64'))) as NonNullable<RawLine['row']>,
  };
}
