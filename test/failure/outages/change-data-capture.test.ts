import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { checkCapture } from '../../../clients/cli/src/doctor/capture-check.js';
import { membershipWarehouse } from '../../../src/membership/membership.warehouse.js';
import { playbackWarehouse } from '../../../src/playback/playback.warehouse.js';
import { FolderZoneClient } from '../../../src/warehouse/files/folder-zone.client.js';
import type { RawZone } from '../../../src/warehouse/files/raw-zone.js';
import { S3ZoneClient } from '../../../src/warehouse/files/s3-zone.client.js';
import { warehouseErasure } from '../../../src/warehouse/warehouse.erasure.js';
import { throwAwayFolder } from '../../../tools/places.mjs';
import { eventually } from '../../support/eventually.js';
import { startFakeS3 } from '../../support/fakes/fake-s3.js';
import { type RunningCapture, startCapture } from '../../support/infrastructure/capture.js';
import {
  type LogicalPostgres,
  type RawLine,
  rawFilesIn,
  readRawZone,
  startLogicalPostgres,
} from '../../support/infrastructure/raw-zone.js';

const tables = [...membershipWarehouse, ...playbackWarehouse];

let postgres: LogicalPostgres;
let folder: string;
const query: LogicalPostgres['database']['query'] = (text, values) => postgres.database.query(text, values);

beforeAll(async () => {
  postgres = await startLogicalPostgres(['max_slot_wal_keep_size=32MB', 'checkpoint_timeout=1h']);
  // What really happened to each row, as triggers saw it.
  await query('CREATE TABLE happened (id bigserial, op text, user_id text, position float8)');
  await query(`CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO happened (op, user_id, position) VALUES (lower(TG_OP), coalesce(NEW.user_id, OLD.user_id), NEW.position_seconds);
    RETURN NULL; END $$`);
  await query(`CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON playback_position
    FOR EACH ROW EXECUTE FUNCTION note()`);
}, 60_000);
afterAll(() => postgres.stop());

beforeEach(async () => {
  folder = join(throwAwayFolder('test'), 'raw');
  await query('TRUNCATE happened, playback_position, warehouse_key');
  for (const { name } of await query<{ name: string }>(
    'SELECT slot_name AS name FROM pg_replication_slots WHERE NOT active',
  ))
    await query('SELECT pg_drop_replication_slot($1)', [name]);
});

const play = (userId: string, position: number) =>
  query(
    `INSERT INTO playback_position (user_id, profile_id, show_id, position_seconds, duration_seconds, state, device_id, device_name, at, bucket)
     VALUES ($1, 'main', 'show', $2, 3600, 'playing', 'tv', 'Ada''s own TV', now(), bucket_of($1))
     ON CONFLICT (user_id, profile_id, show_id, bucket) DO UPDATE SET position_seconds = excluded.position_seconds`,
    [userId, position],
  );

const running: RunningCapture[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});

/** Starts a capture once PostgreSQL has noticed that the one before is gone. */
async function capture(
  zone: RawZone,
  more: Partial<Parameters<typeof startCapture>[0]> = {},
): Promise<RunningCapture> {
  await eventually('nobody reads the slot', async () => (await activeSlots()) === 0);
  const started = await startCapture({ url: postgres.server.url, zone, tables, ...more });
  running.push(started);
  return started;
}

const linesOf = async (table = 'playback_position'): Promise<RawLine[]> =>
  (await readRawZone(folder, postgres.database)).filter((line) => line.table === table);

/** Changes of the stream, as `happened` has them, in the order of their places. */
const captured = async () =>
  (await linesOf())
    .filter(({ op }) => !['snapshot', 'truncate'].includes(op))
    .map(({ op, row }) => `${op} ${row?.user_id} ${row?.position_seconds ?? '-'}`);

const happened = async () =>
  (
    await query<{ op: string; userId: string; position: number | null }>(
      'SELECT op, user_id AS "userId", position FROM happened ORDER BY id',
    )
  ).map(({ op, userId, position }) => `${op} ${userId} ${position ?? '-'}`);

/** Waits until PostgreSQL has been told that everything of now is in files. */
async function everythingIsCaptured(): Promise<void> {
  const [now] = await query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn');
  await eventually('everything that happened is in files', async () => {
    const confirmed = await query(
      `SELECT FROM pg_replication_slots WHERE slot_name LIKE 'usher_warehouse%' AND confirmed_flush_lsn >= $1::pg_lsn`,
      [now?.lsn],
    );
    return confirmed.length > 0;
  });
}

/** The files that are there, with what is in them. Rows are encrypted anew each time, so a file that was written again is another one. */
async function contents(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const path of await rawFilesIn(folder)) files.set(path, await readFile(join(folder, path), 'base64'));
  return files;
}

/** Ends a capture once it reads, so that the slot is there and its snapshot is done. */
async function captureOnce(zone: RawZone): Promise<void> {
  const last = await capture(zone);
  await snapshotIsTaken(zone);
  await last.stop();
}

/** The journal of the newest slot says so. */
async function snapshotIsTaken(zone: RawZone, names = tables.map(({ name }) => name)): Promise<void> {
  await slotIsRead();
  await eventually('all rows that were there are in files', async () => {
    const [slot] = await query<{ id: string }>(
      `SELECT regexp_replace(slot_name, '.*_', '') AS id FROM pg_replication_slots WHERE active AND NOT temporary`,
    );
    const journal = await zone.read(`_journal/${slot?.id}.json`);
    const taken = (JSON.parse(journal ?? '{"snapshots":[]}') as { snapshots: string[] }).snapshots;
    return names.every((name) => taken.includes(name));
  });
}

async function activeSlots(): Promise<number> {
  const [row] = await query<{ n: number }>(
    'SELECT count(*)::int AS n FROM pg_replication_slots WHERE active AND NOT temporary',
  );
  return row?.n ?? 0;
}

const slotIsRead = () =>
  eventually('the slot is read', async () => {
    const readers = await query(
      `SELECT FROM pg_stat_replication WHERE application_name = 'usher warehouse stream'`,
    );
    return readers.length === 1;
  });

/** The nth PUT dies, before it did anything, or after it, as a process that is killed just then. */
function dyingZone(zone: RawZone, n: number, when: 'before' | 'after'): RawZone {
  let puts = 0;
  return {
    description: zone.description,
    read: (path) => zone.read(path),
    has: (path) => zone.has(path),
    async put(path, bytes) {
      puts += 1;
      if (puts > n) throw new Error('it is dead');
      if (puts === n && when === 'before') throw new Error('it is killed');
      await zone.put(path, bytes);
      if (puts === n) throw new Error('it is killed');
    },
  };
}

test('whenever it is killed, each change is in the files once, and in its order, and no file changes', async () => {
  const zone = new FolderZoneClient(folder);
  await captureOnce(zone);
  let turn = 0;
  let kills = 0;
  const seen = new Map<string, string>();
  for (const when of ['before', 'after'] as const)
    for (let n = 1; n <= 4; n += 1) {
      turn += 1;
      for (const user of ['ada', 'bob', 'eve']) await play(user, turn);
      const dying = await capture(dyingZone(zone, n, when));
      await play('ada', turn + 0.5);
      await query('DELETE FROM playback_position WHERE user_id = $1', ['bob']);
      // Fewer files are written than it would have to die at: then it lives.
      await Promise.race([dying.ended.catch(() => (kills += 1)), everythingIsCaptured()]);
      await dying.stop();
      for (const [path, bytes] of await contents()) seen.set(path, seen.get(path) ?? bytes);
    }
  expect(kills).toBeGreaterThanOrEqual(6);
  const last = await capture(zone);
  await everythingIsCaptured();
  await last.stop();
  expect(await captured()).toEqual(await happened());
  const lines = await readRawZone(folder, postgres.database);
  expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length);
  expect([...(await contents())]).toEqual(expect.arrayContaining([...seen]));
});

test('what PostgreSQL sends again, because it has forgotten what was confirmed, is recognised', async () => {
  const zone = new FolderZoneClient(folder);
  await captureOnce(zone);
  const slot = (
    await query<{ lsn: string; name: string }>(
      'SELECT confirmed_flush_lsn::text AS lsn, slot_name AS name FROM pg_replication_slots',
    )
  )[0];
  // A second slot keeps the log from there; the first one is moved on, and made anew as the older one under its own name.
  await query(`SELECT pg_copy_logical_replication_slot($1, 'older')`, [slot?.name]);
  const last = await capture(zone);
  for (const position of [1, 2]) {
    await play('ada', position);
    await play('bob', position);
    await everythingIsCaptured();
  }
  // The journal names the files of its last batch only.
  await query(
    `INSERT INTO plan (plan_id, name, capabilities, updated_at) VALUES ('again', 'Again', '{}', now())`,
  );
  await everythingIsCaptured();
  await last.stop();
  const before = await contents();
  await query('SELECT pg_drop_replication_slot($1)', [slot?.name]);
  await query(`SELECT pg_copy_logical_replication_slot('older', $1)`, [slot?.name]);
  await play('ada', 4);
  const again = await capture(zone);
  await everythingIsCaptured();
  await again.stop();
  await query(`SELECT pg_drop_replication_slot('older')`);
  expect(await captured()).toEqual(await happened());
  expect([...(await contents())]).toEqual(expect.arrayContaining([...before]));
});

test('of two transactions whose commits stand side by side in the log, the second is not confirmed with the first', async () => {
  const zone = new FolderZoneClient(folder);
  await captureOnce(zone);
  const insert = (user: string, episode: string) =>
    postgres.database.holdTransaction(
      `INSERT INTO playback_position (user_id, profile_id, show_id, episode_id, position_seconds, duration_seconds, state, device_id, at, bucket)
       SELECT $1, 'main', 'show', $2, 1, 3600, 'playing', 'tv', now(), bucket_of($1)`,
      [user, episode],
    );
  // The first is as much as a batch may have, and the second waits in memory.
  const endFirst = await insert('first', 'x'.repeat(1_100_000));
  const endSecond = await insert('second', 'x');
  await endFirst('COMMIT');
  await endSecond('COMMIT');
  const first = await capture(zone, { settings: { WAREHOUSE_FILE_MB: '1', WAREHOUSE_FILE_SECONDS: '60' } });
  await eventually('the first is in a file', async () => (await captured()).length === 1);
  await first.stop();
  const last = await capture(zone);
  await everythingIsCaptured();
  await last.stop();
  expect((await captured()).toSorted()).toEqual((await happened()).toSorted());
});

test('a transaction that is larger than memory is written in parts, and each change once', async () => {
  const zone = new FolderZoneClient(folder);
  await captureOnce(zone);
  const last = await capture(zone, { settings: { WAREHOUSE_FILE_MB: '1' } });
  await query(
    `INSERT INTO playback_position (user_id, profile_id, show_id, position_seconds, duration_seconds, state, device_id, at, bucket)
     SELECT 'u' || n, 'main', 'show', n, 3600, 'playing', 'tv', now(), bucket_of('u' || n) FROM generate_series(1, 4000) n`,
  );
  await everythingIsCaptured();
  await last.stop();
  expect(await captured()).toEqual(await happened());
  expect(
    (await rawFilesIn(folder)).filter((path) => path.startsWith('playback_position/')).length,
  ).toBeGreaterThan(1);
});

test('a schema that changes within an hour is told by the records, and no change is lost', async () => {
  const zone = new FolderZoneClient(folder);
  const before = await capture(zone);
  await snapshotIsTaken(zone);
  await play('ada', 1);
  await query('ALTER TABLE playback_position ADD COLUMN mood text');
  await play('ada', 2);
  await everythingIsCaptured();
  await before.stop();
  const more = playbackWarehouse.map(({ name, columns }) => ({
    name,
    userColumn: 'user_id',
    columns: columns.concat('mood') as [string, ...string[]],
  }));
  const last = await capture(zone, { tables: [...membershipWarehouse, ...more] });
  await slotIsRead();
  await play('ada', 3);
  await everythingIsCaptured();
  await last.stop();
  expect(await captured()).toEqual(await happened());
  const lines = await linesOf();
  expect(lines.map(({ row }) => row && 'mood' in row)).toEqual([false, false, true]);
  expect(new Set(lines.map(({ schema }) => schema)).size).toBe(2);
  expect(
    JSON.parse((await zone.read(`_schemas/playback_position/${lines[2]?.schema}.json`)) ?? ''),
  ).toMatchObject({
    table: 'playback_position',
    columns: expect.arrayContaining([expect.objectContaining({ name: 'mood' })]),
  });
  // The publication names it: whoever wants to drop a column takes it out of the capture first.
  await expect(query('ALTER TABLE playback_position DROP COLUMN mood')).rejects.toThrow('depend');
  await query('DROP PUBLICATION usher_warehouse');
  await query('ALTER TABLE playback_position DROP COLUMN mood');
});

test('a table that is captured from now on brings the rows that it has', async () => {
  const zone = new FolderZoneClient(folder);
  const before = await capture(zone, { tables: membershipWarehouse });
  await snapshotIsTaken(
    zone,
    membershipWarehouse.map(({ name }) => name),
  );
  await play('ada', 1);
  await before.stop();
  const last = await capture(zone);
  await snapshotIsTaken(zone);
  await play('ada', 2);
  await everythingIsCaptured();
  await last.stop();
  expect((await linesOf()).map(({ op, row }) => [op, row?.position_seconds])).toEqual([
    ['snapshot', '1'],
    ['update', '2'],
  ]);
});

test('after a day without a reader PostgreSQL gives up the slot: this is said, and a new one begins with a snapshot', async () => {
  const zone = new FolderZoneClient(folder);
  await captureOnce(zone);
  await play('ada', 1);
  await query(
    `INSERT INTO plan (plan_id, name, capabilities, updated_at) VALUES ('basic', 'Basic', '{}', now())`,
  );
  for (let segment = 0; segment < 5; segment += 1) {
    await query(`SELECT pg_logical_emit_message(false, 'day', repeat('x', 1000000))`);
    await query('SELECT pg_switch_wal()');
  }
  await query('CHECKPOINT');
  const status = await query('SELECT wal_status FROM pg_replication_slots');
  expect(status).toEqual([{ wal_status: 'lost' }]);
  const client = new pg.Client({ connectionString: postgres.server.url });
  await client.connect();
  expect(await checkCapture(client)).toMatchObject([{ status: 'fail' }]);
  await client.end();
  const last = await capture(zone);
  await snapshotIsTaken(zone);
  await play('ada', 2);
  await everythingIsCaptured();
  await last.stop();
  expect((await linesOf()).map(({ op, row }) => [op, row?.position_seconds])).toEqual([
    ['snapshot', '1'],
    ['update', '2'],
  ]);
  const ids = (await readRawZone(folder, postgres.database)).map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(await last.metrics.registry.metrics()).toContain('usher_warehouse_slots_lost_total 1');
});

/** A zone in which the first put of a path that `isHeld` waits until it is released. */
function gatedZone(zone: RawZone, isHeld: (path: string) => boolean) {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let waits = false;
  const gated: RawZone = {
    description: zone.description,
    read: (path) => zone.read(path),
    has: (path) => zone.has(path),
    async put(path, bytes) {
      if (isHeld(path)) {
        waits = true;
        await released;
      }
      await zone.put(path, bytes);
    },
  };
  return { zone: gated, release, waits: () => waits };
}

const isOfSnapshot = (path: string): boolean => /playback_position\/.*\.0\.\d{10}\.ndjson\.gz$/.test(path);

const manyPositions = (count: number) =>
  query(
    `INSERT INTO playback_position (user_id, profile_id, show_id, position_seconds, duration_seconds, state, device_id, at, bucket)
     SELECT 'u' || n, 'main', 'show', n, 3600, 'playing', 'tv', now(), bucket_of('u' || n) FROM generate_series(1, $1::int) n`,
    [count],
  );

test('a snapshot may last longer than PostgreSQL keeps its log: changes are captured meanwhile', async () => {
  await play('ada', 1);
  const gate = gatedZone(new FolderZoneClient(folder), isOfSnapshot);
  const last = await capture(gate.zone);
  await eventually('the snapshot is being written', gate.waits);
  for (let segment = 0; segment < 5; segment += 1) {
    await query(`SELECT pg_logical_emit_message(false, 'day', repeat('x', 1000000))`);
    await query('SELECT pg_switch_wal()');
    await query('CHECKPOINT');
    await play('ada', 2 + segment);
    await everythingIsCaptured();
  }
  gate.release();
  await snapshotIsTaken(gate.zone);
  await last.stop();
  expect(await last.metrics.registry.metrics()).not.toMatch(/usher_warehouse_slots_lost_total [1-9]/);
  // Sorted by place, the row of the snapshot comes first, and the newest change last, whatever was written first.
  expect((await linesOf()).map(({ op, row }) => `${op} ${row?.position_seconds}`)).toEqual([
    'snapshot 1',
    ...[2, 3, 4, 5, 6].map((position) => `update ${position}`),
  ]);
});

test('a snapshot that is broken off goes on after the last rows that it wrote, as long as its node lives', async () => {
  await manyPositions(7_000);
  const s3 = await startFakeS3();
  const bucket = () => new S3ZoneClient({ url: s3.url, region: s3.region, ...s3.credentials });
  const written = () => [...s3.objects.keys()].filter(isOfSnapshot);
  const failing: RawZone = {
    description: '',
    read: (path) => bucket().read(path),
    has: (path) => bucket().has(path),
    put: async (path, bytes) => {
      if (isOfSnapshot(path) && written().length === 1) throw new Error('the bucket is away');
      await bucket().put(path, bytes);
    },
  };
  const first = await capture(failing);
  await expect(first.ended).rejects.toThrow('the bucket is away');
  const last = await capture(bucket(), { snapshots: first.snapshots });
  await snapshotIsTaken(bucket());
  await last.stop();
  const copied = new FolderZoneClient(folder);
  for (const [path, bytes] of s3.objects) await copied.put(path, bytes);
  await s3.close();
  const users = (await linesOf()).filter(({ op }) => op === 'snapshot').map(({ row }) => row?.user_id);
  expect([users.length, new Set(users).size]).toEqual([7_000, 7_000]);
});

test('who is erased is remembered until all that was committed before it is in files', async () => {
  const folderZone = new FolderZoneClient(folder);
  await play('eve', 1);
  await captureOnce(folderZone);
  const gate = gatedZone(folderZone, () => isClosed);
  let isClosed = false;
  const last = await capture(gate.zone);
  await slotIsRead();
  const [erase] = warehouseErasure.statements;
  const endErasure = await postgres.database.holdTransaction(erase?.text ?? '', ['eve']);
  await play('bob', 1);
  await everythingIsCaptured();
  isClosed = true;
  await play('eve', 2);
  await eventually('her change is about to be written', gate.waits);
  const [written] = await query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn');
  await endErasure('COMMIT');
  await eventually('the erasure has been seen', async () => {
    const [key] = await query<{ isStamped: boolean }>(
      `SELECT erased_lsn > $1::pg_lsn - '0/0' AS "isStamped" FROM warehouse_key WHERE user_id = 'eve'`,
      [written?.lsn],
    );
    return key === undefined || key.isStamped;
  });
  gate.release();
  await everythingIsCaptured();
  await eventually('she is forgotten', async () => {
    const left = await query(`SELECT FROM warehouse_key WHERE user_id = 'eve'`);
    return left.length === 0;
  });
  await last.stop();
  const hers = (await linesOf()).filter(({ row, is_erased: isErased }) => row?.user_id === 'eve' || isErased);
  expect(hers.map(({ op, row, is_erased: isErased }) => [op, row, isErased])).toEqual([
    ['update', undefined, true],
  ]);
});

test('a bucket gets the same files as a folder, also when it fails now and then', async () => {
  const s3 = await startFakeS3();
  const bucket = () => new S3ZoneClient({ url: s3.url, region: s3.region, ...s3.credentials });
  const first = await capture(bucket());
  await snapshotIsTaken(bucket());
  await play('ada', 1);
  s3.failNext(1, 503);
  await first.ended.catch(() => undefined);
  const last = await capture(bucket());
  const copied = new FolderZoneClient(folder);
  await everythingIsCaptured();
  for (const [path, bytes] of s3.objects) await copied.put(path, bytes);
  await last.stop();
  await s3.close();
  expect(await captured()).toEqual(await happened());
  expect([...s3.objects.keys()].some((key) => key.includes('date='))).toBe(true);
});
