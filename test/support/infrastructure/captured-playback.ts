import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { membershipWarehouse } from '../../../src/membership/membership.warehouse.js';
import { playbackWarehouse } from '../../../src/playback/playback.warehouse.js';
import type { RawZone } from '../../../src/warehouse/files/raw-zone.js';
import { throwAwayFolder } from '../../../tools/places.mjs';
import { eventually } from '../eventually.js';
import { type CaptureOptions, type RunningCapture, startCapture } from './capture.js';
import type { TestDatabase } from './database.js';
import {
  type LogicalPostgres,
  type RawLine,
  rawFilesIn,
  readRawZone,
  startLogicalPostgres,
} from './raw-zone.js';

const tables = [...membershipWarehouse, ...playbackWarehouse];

/** A PostgreSQL whose memberships and positions of playback are captured into a folder, and what really happened to the positions. */
export class CapturedPlayback {
  /** The raw zone. */
  folder = '';
  private readonly running: RunningCapture[] = [];

  private constructor(private readonly postgres: LogicalPostgres) {}

  /** Starts it, with a limit of the log that it keeps. What happens to each position is noted by a trigger. */
  static async start(): Promise<CapturedPlayback> {
    const postgres = await startLogicalPostgres(['max_slot_wal_keep_size=32MB', 'checkpoint_timeout=1h']);
    const { database } = postgres;
    await database.query('CREATE TABLE happened (id bigserial, op text, user_id text, position float8)');
    await database.query(`CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO happened (op, user_id, position) VALUES (lower(TG_OP), coalesce(NEW.user_id, OLD.user_id), NEW.position_seconds);
      RETURN NULL; END $$`);
    await database.query(`CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON playback_position
      FOR EACH ROW EXECUTE FUNCTION note()`);
    return new CapturedPlayback(postgres);
  }

  get url(): string {
    return this.postgres.server.url;
  }

  get database(): TestDatabase {
    return this.postgres.database;
  }

  stop(): Promise<void> {
    return this.postgres.stop();
  }

  query: TestDatabase['query'] = (text, values) => this.database.query(text, values);

  /** A new raw zone, and no rows and slots. */
  async begin(): Promise<void> {
    this.folder = join(throwAwayFolder('test'), 'raw');
    await this.query('TRUNCATE happened, playback_position, warehouse_key');
    for (const { name } of await this.query<{ name: string }>(
      'SELECT slot_name AS name FROM pg_replication_slots WHERE NOT active',
    ))
      await this.query('SELECT pg_drop_replication_slot($1)', [name]);
  }

  async stopCaptures(): Promise<void> {
    for (const one of this.running.splice(0)) await one.stop();
  }

  play(userId: string, position: number): Promise<unknown> {
    return this.query(
      `INSERT INTO playback_position (user_id, profile_id, show_id, position_seconds, duration_seconds, state, device_id, device_name, at, bucket)
       VALUES ($1, 'main', 'show', $2, 3600, 'playing', 'tv', 'Ada''s own TV', now(), bucket_of($1))
       ON CONFLICT (user_id, profile_id, show_id, bucket) DO UPDATE SET position_seconds = excluded.position_seconds`,
      [userId, position],
    );
  }

  /** A position each of so many users. */
  playMany(count: number): Promise<unknown> {
    return this.query(
      `INSERT INTO playback_position (user_id, profile_id, show_id, position_seconds, duration_seconds, state, device_id, at, bucket)
       SELECT 'u' || n, 'main', 'show', n, 3600, 'playing', 'tv', now(), bucket_of('u' || n) FROM generate_series(1, $1::int) n`,
      [count],
    );
  }

  /** Starts a capture once PostgreSQL has noticed that the one before is gone. */
  async capture(zone: RawZone, more: Partial<CaptureOptions> = {}): Promise<RunningCapture> {
    await eventually('nobody reads the slot', async () => {
      const active = await this.query('SELECT FROM pg_replication_slots WHERE active AND NOT temporary');
      return active.length === 0;
    });
    const started = await startCapture({ url: this.url, zone, tables, ...more });
    this.running.push(started);
    return started;
  }

  /** Ends a capture once it reads, so that the slot is there and its snapshot is done. */
  async captureOnce(zone: RawZone): Promise<void> {
    const last = await this.capture(zone);
    await this.snapshotIsTaken(zone);
    await last.stop();
  }

  slotIsRead(): Promise<unknown> {
    return eventually('the slot is read', async () => {
      const readers = await this.query(
        `SELECT FROM pg_stat_replication WHERE application_name = 'usher warehouse stream'`,
      );
      return readers.length === 1;
    });
  }

  /** The journal of the newest slot says so. */
  async snapshotIsTaken(zone: RawZone, names = tables.map(({ name }) => name)): Promise<void> {
    await this.slotIsRead();
    await eventually('all rows that were there are in files', async () => {
      const [slot] = await this.query<{ id: string }>(
        `SELECT regexp_replace(slot_name, '.*_', '') AS id FROM pg_replication_slots WHERE active AND NOT temporary`,
      );
      const journal = await zone.read(`_journal/${slot?.id}.json`);
      const taken = (JSON.parse(journal ?? '{"snapshots":[]}') as { snapshots: string[] }).snapshots;
      return names.every((name) => taken.includes(name));
    });
  }

  /** Waits until PostgreSQL has been told that everything of now is in files. */
  async everythingIsCaptured(): Promise<void> {
    const [now] = await this.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn');
    await eventually('everything that happened is in files', async () => {
      const confirmed = await this.query(
        `SELECT FROM pg_replication_slots WHERE slot_name LIKE 'usher_warehouse%' AND confirmed_flush_lsn >= $1::pg_lsn`,
        [now?.lsn],
      );
      return confirmed.length > 0;
    });
  }

  files(): Promise<string[]> {
    return rawFilesIn(this.folder);
  }

  /** The files that are there, with what is in them. Rows are encrypted anew each time, so a file that was written again is another one. */
  async contents(): Promise<Map<string, string>> {
    const files = new Map<string, string>();
    for (const path of await this.files()) files.set(path, await readFile(join(this.folder, path), 'base64'));
    return files;
  }

  lines(): Promise<RawLine[]> {
    return readRawZone(this.folder, this.database);
  }

  async linesOf(table = 'playback_position'): Promise<RawLine[]> {
    return (await this.lines()).filter((line) => line.table === table);
  }

  /** Changes of the stream, as `happened` has them, in the order of their places. */
  async captured(): Promise<string[]> {
    return (await this.linesOf())
      .filter(({ op }) => !['snapshot', 'truncate'].includes(op))
      .map(({ op, row }) => `${op} ${row?.user_id} ${row?.position_seconds ?? '-'}`);
  }

  async happened(): Promise<string[]> {
    const rows = await this.query<{ op: string; userId: string; position: number | null }>(
      'SELECT op, user_id AS "userId", position FROM happened ORDER BY id',
    );
    return rows.map(({ op, userId, position }) => `${op} ${userId} ${position ?? '-'}`);
  }
}
