import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { checkCapture } from '../../../clients/cli/src/doctor/capture-check.js';
import { membershipWarehouse } from '../../../src/membership/membership.warehouse.js';
import { playbackErasure } from '../../../src/playback/playback.erasure.js';
import { FolderZoneClient } from '../../../src/warehouse/files/folder-zone.client.js';
import type { RawZone } from '../../../src/warehouse/files/raw-zone.js';
import { S3ZoneClient } from '../../../src/warehouse/files/s3-zone.client.js';
import { warehouseErasure } from '../../../src/warehouse/warehouse.erasure.js';
import { eventually } from '../../support/eventually.js';
import { startFakeS3 } from '../../support/fakes/fake-s3.js';
import { gatedZone } from '../../support/fakes/failing-zones.js';
import type { RunningCapture } from '../../support/infrastructure/capture.js';
import { CapturedPlayback } from '../../support/infrastructure/captured-playback.js';

let playback: CapturedPlayback;
beforeAll(async () => {
  playback = await CapturedPlayback.start();
}, 60_000);
afterAll(() => playback.stop());
beforeEach(() => playback.begin());
afterEach(() => playback.stopCaptures());

const isOfSnapshot = (path: string): boolean => /playback_position\/.*\.0\.\d{10}\.ndjson\.gz$/.test(path);

/** Captures until a second position of Ada is in the files, after the one that was there. Returns the capture, which has ended. */
async function beginsWithSnapshot(zone: RawZone): Promise<RunningCapture> {
  const last = await playback.capture(zone);
  await playback.snapshotIsTaken(zone);
  await playback.play('ada', 2);
  await playback.everythingIsCaptured();
  await last.stop();
  expect((await playback.linesOf()).map(({ op, row }) => [op, row?.position_seconds])).toEqual([
    ['snapshot', '1'],
    ['update', '2'],
  ]);
  return last;
}

test('a table that is captured from now on brings the rows that it has', async () => {
  const zone = new FolderZoneClient(playback.folder);
  const before = await playback.capture(zone, { tables: membershipWarehouse });
  await playback.snapshotIsTaken(
    zone,
    membershipWarehouse.map(({ name }) => name),
  );
  await playback.play('ada', 1);
  await before.stop();
  await beginsWithSnapshot(zone);
});

test('after a day without a reader PostgreSQL gives up the slot: this is said, and a new one begins with a snapshot', async () => {
  const zone = new FolderZoneClient(playback.folder);
  await playback.captureOnce(zone);
  await playback.play('ada', 1);
  await playback.query(
    `INSERT INTO plan (plan_id, name, capabilities, updated_at) VALUES ('basic', 'Basic', '{}', now())`,
  );
  for (let segment = 0; segment < 5; segment += 1) {
    await playback.query(`SELECT pg_logical_emit_message(false, 'day', repeat('x', 1000000))`);
    await playback.query('SELECT pg_switch_wal()');
  }
  await playback.query('CHECKPOINT');
  const status = await playback.query('SELECT wal_status FROM pg_replication_slots');
  expect(status).toEqual([{ wal_status: 'lost' }]);
  const client = new pg.Client({ connectionString: playback.url });
  await client.connect();
  expect(await checkCapture(client)).toMatchObject([{ status: 'fail' }]);
  await client.end();
  const last = await beginsWithSnapshot(zone);
  const ids = (await playback.lines()).map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(await last.metrics.registry.metrics()).toContain('usher_warehouse_slots_lost_total 1');
});

test('a snapshot may last longer than PostgreSQL keeps its log: changes are captured meanwhile', async () => {
  await playback.play('ada', 1);
  const gate = gatedZone(new FolderZoneClient(playback.folder), isOfSnapshot);
  const last = await playback.capture(gate.zone);
  await eventually('the snapshot is being written', gate.waits);
  for (let segment = 0; segment < 5; segment += 1) {
    await playback.query(`SELECT pg_logical_emit_message(false, 'day', repeat('x', 1000000))`);
    await playback.query('SELECT pg_switch_wal()');
    await playback.query('CHECKPOINT');
    await playback.play('ada', 2 + segment);
    await playback.everythingIsCaptured();
  }
  gate.release();
  await playback.snapshotIsTaken(gate.zone);
  await last.stop();
  expect(await last.metrics.registry.metrics()).not.toMatch(/usher_warehouse_slots_lost_total [1-9]/);
  // Sorted by place, the row of the snapshot comes first, and the newest change last, whatever was written first.
  expect((await playback.linesOf()).map(({ op, row }) => `${op} ${row?.position_seconds}`)).toEqual([
    'snapshot 1',
    ...[2, 3, 4, 5, 6].map((position) => `update ${position}`),
  ]);
});

test('a snapshot that is broken off goes on after the last rows that are in files, on whatever node', async () => {
  await playback.playMany(7_000);
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
  const first = await playback.capture(failing);
  await expect(first.ended).rejects.toThrow('the bucket is away');
  const last = await playback.capture(bucket());
  await playback.snapshotIsTaken(bucket());
  await last.stop();
  const copied = new FolderZoneClient(playback.folder);
  for (const [path, bytes] of s3.objects) await copied.put(path, bytes);
  await s3.close();
  const users = (await playback.linesOf())
    .filter(({ op }) => op === 'snapshot')
    .map(({ row }) => row?.user_id);
  expect([users.length, new Set(users).size]).toEqual([7_000, 7_000]);
});

describe('who is erased while a snapshot is taken', () => {
  const ROWS = 7_000;
  /** Pages are in the order of the ids. The last one of the first page, and the last of all. */
  const people = async () => {
    const rows = await playback.query<{ userId: string }>(
      `SELECT user_id AS "userId" FROM playback_position ORDER BY user_id COLLATE "C"`,
    );
    return [rows[4_999]?.userId ?? '', rows[ROWS - 1]?.userId ?? ''] as const;
  };
  const erase = async (userId: string) => {
    for (const { text } of [...playbackErasure.statements, ...warehouseErasure.statements])
      await playback.query(text, [userId]);
  };
  const readable = async () =>
    (await playback.linesOf()).flatMap(({ op, row }) => (op === 'snapshot' && row?.user_id) || []);

  test('does not stop it, and is in no row that anybody can read: neither the last one of a page, nor one whose page is still to come', async () => {
    await playback.playMany(ROWS);
    const [atTheEndOfAPage, later] = await people();
    const gate = gatedZone(new FolderZoneClient(playback.folder), isOfSnapshot);
    const capture = await playback.capture(gate.zone);
    await eventually('the first page is being written', gate.waits);
    for (const userId of [atTheEndOfAPage, later]) await erase(userId);
    // The log goes by beyond the erasure, and the capture looks whom it may forget.
    for (const position of [1, 2, 3]) {
      await playback.play('ada', position);
      await playback.everythingIsCaptured();
    }
    gate.release();
    await playback.snapshotIsTaken(gate.zone);
    await eventually('they are forgotten', async () => {
      const left = await playback.query('SELECT FROM warehouse_key WHERE key IS NULL');
      return left.length === 0;
    });
    await capture.stop();
    const users = await readable();
    expect([users.length, new Set(users).size]).toEqual([ROWS - 2, ROWS - 2]);
    expect(users).not.toContain(atTheEndOfAPage);
    expect(users).not.toContain(later);
  });

  test('has it begin anew, if it was broken off after a row of theirs', async () => {
    await playback.playMany(ROWS);
    const [atTheEndOfAPage] = await people();
    const zone = new FolderZoneClient(playback.folder);
    let files = 0;
    const first = await playback.capture({
      description: zone.description,
      read: (path) => zone.read(path),
      has: (path) => zone.has(path),
      put: async (path, bytes) => {
        if (isOfSnapshot(path) && (files += 1) === 2) throw new Error('the disk is full');
        await zone.put(path, bytes);
      },
    });
    await expect(first.ended).rejects.toThrow('the disk is full');
    await erase(atTheEndOfAPage);
    await playback.captureOnce(zone);
    const users = await readable();
    expect(new Set(users).size).toBe(ROWS - 1);
    expect(users).not.toContain(atTheEndOfAPage);
  });
});
