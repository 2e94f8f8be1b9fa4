import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { membershipWarehouse } from '../../../src/membership/membership.warehouse.js';
import { playbackWarehouse } from '../../../src/playback/playback.warehouse.js';
import { FolderZoneClient } from '../../../src/warehouse/files/folder-zone.client.js';
import { S3ZoneClient } from '../../../src/warehouse/files/s3-zone.client.js';
import { warehouseErasure } from '../../../src/warehouse/warehouse.erasure.js';
import { eventually } from '../../support/eventually.js';
import { startFakeS3 } from '../../support/fakes/fake-s3.js';
import { dyingZone, gatedZone } from '../../support/fakes/failing-zones.js';
import { CapturedPlayback } from '../../support/infrastructure/captured-playback.js';

let playback: CapturedPlayback;
beforeAll(async () => {
  playback = await CapturedPlayback.start();
}, 60_000);
afterAll(() => playback.stop());
beforeEach(() => playback.begin());
afterEach(() => playback.stopCaptures());

test('whenever it is killed, each change is in the files once, and in its order, and no file changes', async () => {
  const zone = new FolderZoneClient(playback.folder);
  await playback.captureOnce(zone);
  let turn = 0;
  let kills = 0;
  const seen = new Map<string, string>();
  for (const when of ['before', 'after'] as const)
    for (let n = 1; n <= 4; n += 1) {
      turn += 1;
      for (const user of ['ada', 'bob', 'eve']) await playback.play(user, turn);
      const dying = await playback.capture(dyingZone(zone, n, when));
      await playback.play('ada', turn + 0.5);
      await playback.query('DELETE FROM playback_position WHERE user_id = $1', ['bob']);
      // Fewer files are written than it would have to die at: then it lives.
      await Promise.race([dying.ended.catch(() => (kills += 1)), playback.everythingIsCaptured()]);
      await dying.stop();
      for (const [path, bytes] of await playback.contents()) seen.set(path, seen.get(path) ?? bytes);
    }
  expect(kills).toBeGreaterThanOrEqual(6);
  const last = await playback.capture(zone);
  await playback.everythingIsCaptured();
  await last.stop();
  expect(await playback.captured()).toEqual(await playback.happened());
  const lines = await playback.lines();
  expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length);
  expect([...(await playback.contents())]).toEqual(expect.arrayContaining([...seen]));
});

test('what PostgreSQL sends again, because it has forgotten what was confirmed, is recognised', async () => {
  const zone = new FolderZoneClient(playback.folder);
  await playback.captureOnce(zone);
  const slot = (
    await playback.query<{ lsn: string; name: string }>(
      'SELECT confirmed_flush_lsn::text AS lsn, slot_name AS name FROM pg_replication_slots',
    )
  )[0];
  // A second slot keeps the log from there; the first one is moved on, and made anew as the older one under its own name.
  await playback.query(`SELECT pg_copy_logical_replication_slot($1, 'older')`, [slot?.name]);
  const last = await playback.capture(zone);
  for (const position of [1, 2]) {
    await playback.play('ada', position);
    await playback.play('bob', position);
    await playback.everythingIsCaptured();
  }
  // The journal names the files of its last batch only.
  await playback.query(
    `INSERT INTO plan (plan_id, name, capabilities, updated_at) VALUES ('again', 'Again', '{}', now())`,
  );
  await playback.everythingIsCaptured();
  await last.stop();
  const before = await playback.contents();
  await playback.query('SELECT pg_drop_replication_slot($1)', [slot?.name]);
  await playback.query(`SELECT pg_copy_logical_replication_slot('older', $1)`, [slot?.name]);
  await playback.play('ada', 4);
  const again = await playback.capture(zone);
  await playback.everythingIsCaptured();
  await again.stop();
  await playback.query(`SELECT pg_drop_replication_slot('older')`);
  expect(await playback.captured()).toEqual(await playback.happened());
  expect([...(await playback.contents())]).toEqual(expect.arrayContaining([...before]));
});

test('of two transactions whose commits stand side by side in the log, the second is not confirmed with the first', async () => {
  const zone = new FolderZoneClient(playback.folder);
  await playback.captureOnce(zone);
  const insert = (user: string, episode: string) =>
    playback.database.holdTransaction(
      `INSERT INTO playback_position (user_id, profile_id, show_id, episode_id, position_seconds, duration_seconds, state, device_id, at, bucket)
       SELECT $1, 'main', 'show', $2, 1, 3600, 'playing', 'tv', now(), bucket_of($1)`,
      [user, episode],
    );
  // The first is as much as a batch may have, and the second waits in memory.
  const endFirst = await insert('first', 'x'.repeat(1_100_000));
  const endSecond = await insert('second', 'x');
  await endFirst('COMMIT');
  await endSecond('COMMIT');
  const first = await playback.capture(zone, {
    settings: { WAREHOUSE_FILE_MB: '1', WAREHOUSE_FILE_SECONDS: '60' },
  });
  await eventually('the first is in a file', async () => (await playback.captured()).length === 1);
  await first.stop();
  const last = await playback.capture(zone);
  await playback.everythingIsCaptured();
  await last.stop();
  expect((await playback.captured()).toSorted()).toEqual((await playback.happened()).toSorted());
});

test('a transaction that is larger than memory is written in parts, and each change once', async () => {
  const zone = new FolderZoneClient(playback.folder);
  await playback.captureOnce(zone);
  const last = await playback.capture(zone, { settings: { WAREHOUSE_FILE_MB: '1' } });
  await playback.playMany(4_000);
  await playback.everythingIsCaptured();
  await last.stop();
  expect(await playback.captured()).toEqual(await playback.happened());
  expect(
    (await playback.files()).filter((path) => path.startsWith('playback_position/')).length,
  ).toBeGreaterThan(1);
});

test('a schema that changes within an hour is told by the records, and no change is lost', async () => {
  const zone = new FolderZoneClient(playback.folder);
  const before = await playback.capture(zone);
  await playback.snapshotIsTaken(zone);
  await playback.play('ada', 1);
  await playback.query('ALTER TABLE playback_position ADD COLUMN mood text');
  await playback.play('ada', 2);
  await playback.everythingIsCaptured();
  await before.stop();
  const more = playbackWarehouse.map(({ name, columns }) => ({
    name,
    userColumn: 'user_id',
    columns: columns.concat('mood') as [string, ...string[]],
  }));
  const last = await playback.capture(zone, { tables: [...membershipWarehouse, ...more] });
  await playback.slotIsRead();
  await playback.play('ada', 3);
  await playback.everythingIsCaptured();
  await last.stop();
  expect(await playback.captured()).toEqual(await playback.happened());
  const lines = await playback.linesOf();
  expect(lines.map(({ row }) => row && 'mood' in row)).toEqual([false, false, true]);
  expect(new Set(lines.map(({ schema }) => schema)).size).toBe(2);
  expect(
    JSON.parse((await zone.read(`_schemas/playback_position/${lines[2]?.schema}.json`)) ?? ''),
  ).toMatchObject({
    table: 'playback_position',
    columns: expect.arrayContaining([expect.objectContaining({ name: 'mood' })]),
  });
  // The publication names it: whoever wants to drop a column takes it out of the capture first.
  await expect(playback.query('ALTER TABLE playback_position DROP COLUMN mood')).rejects.toThrow('depend');
  await playback.query('DROP PUBLICATION usher_warehouse');
  await playback.query('ALTER TABLE playback_position DROP COLUMN mood');
});

test('who is erased is remembered until all that was committed before it is in files', async () => {
  const folderZone = new FolderZoneClient(playback.folder);
  await playback.play('eve', 1);
  await playback.captureOnce(folderZone);
  const gate = gatedZone(folderZone, () => isClosed);
  let isClosed = false;
  const last = await playback.capture(gate.zone);
  await playback.slotIsRead();
  const [erase] = warehouseErasure.statements;
  const endErasure = await playback.database.holdTransaction(erase?.text ?? '', ['eve']);
  await playback.play('bob', 1);
  await playback.everythingIsCaptured();
  isClosed = true;
  await playback.play('eve', 2);
  await eventually('her change is about to be written', gate.waits);
  const [written] = await playback.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn');
  await endErasure('COMMIT');
  await eventually('the erasure has been seen', async () => {
    const [key] = await playback.query<{ isStamped: boolean }>(
      `SELECT erased_lsn > $1::pg_lsn - '0/0' AS "isStamped" FROM warehouse_key WHERE user_id = 'eve'`,
      [written?.lsn],
    );
    return key === undefined || key.isStamped;
  });
  gate.release();
  await playback.everythingIsCaptured();
  await eventually('she is forgotten', async () => {
    const left = await playback.query(`SELECT FROM warehouse_key WHERE user_id = 'eve'`);
    return left.length === 0;
  });
  await last.stop();
  const hers = (await playback.linesOf()).filter(
    ({ row, is_erased: isErased }) => row?.user_id === 'eve' || isErased,
  );
  expect(hers.map(({ op, row, is_erased: isErased }) => [op, row, isErased])).toEqual([
    ['update', undefined, true],
  ]);
});

test('a bucket gets the same files as a folder, also when it fails now and then', async () => {
  const s3 = await startFakeS3();
  const bucket = () => new S3ZoneClient({ url: s3.url, region: s3.region, ...s3.credentials });
  const first = await playback.capture(bucket());
  await playback.snapshotIsTaken(bucket());
  await playback.play('ada', 1);
  s3.failNext(1, 503);
  await first.ended.catch(() => undefined);
  const last = await playback.capture(bucket());
  const copied = new FolderZoneClient(playback.folder);
  await playback.everythingIsCaptured();
  for (const [path, bytes] of s3.objects) await copied.put(path, bytes);
  await last.stop();
  await s3.close();
  expect(await playback.captured()).toEqual(await playback.happened());
  expect([...s3.objects.keys()].some((key) => key.includes('date='))).toBe(true);
});
