import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { Database } from '../../src/platform/postgres/database.js';
import { ErasureStore } from '../../src/platform/retention/erasure.store.js';
import { userErasures } from '../../src/retention-and-erasure.js';
import { FolderZoneClient } from '../../src/warehouse/files/folder-zone.client.js';
import { throwAwayFolder } from '../../tools/places.mjs';
import { testConfig } from '../support/config.js';
import { eventually } from '../support/eventually.js';
import { startCapture } from '../support/infrastructure/capture.js';
import { createDatabase, type TestDatabase } from '../support/infrastructure/database.js';
import { rawFilesIn } from '../support/infrastructure/raw-zone.js';

const venv = process.env.USHER_WAREHOUSE_VENV ?? '';
const project = fileURLToPath(new URL('../../', import.meta.url));
const folder = throwAwayFolder('test');
const [raw, file] = [join(folder, 'raw'), join(folder, 'usher.duckdb')];

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

/** Runs `usher warehouse run`. Returns its exit code and what it said. */
async function run(...more: string[]): Promise<{ code: number; said: string }> {
  const args = ['warehouse', 'run', '--raw', raw, '--file', file, '--dbt', join(venv, 'bin', 'dbt'), ...more];
  const child = spawn(process.execPath, [join(project, 'clients/cli/bin/usher.js'), ...args], {
    cwd: project,
    env: { PATH: process.env.PATH, HOME: folder, USHER_DATABASE_URL: database.url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => void (said += data.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, said };
}

/** Runs it; fails with what it said unless it succeeds. */
async function runWell(...more: string[]): Promise<string> {
  const { code, said } = await run(...more);
  if (code !== 0) throw new Error(said);
  return said;
}

/** Asks DuckDB; each row is an array of texts. */
async function ask(sql: string): Promise<(string | null)[][]> {
  const script = `import duckdb, json, sys
rows = duckdb.connect(sys.argv[1]).execute(sys.argv[2]).fetchall() or []
print(json.dumps([[None if value is None else str(value) for value in row] for row in rows]))`;
  const { stdout } = await promisify(execFile)(join(venv, 'bin', 'python'), ['-c', script, file, sql]);
  return JSON.parse(stdout) as (string | null)[][];
}

const TABLES = [
  'staging.stg_record',
  'presentation.fct_membership_changes',
  'presentation.fct_playback_daily',
  'presentation.fct_deliveries',
  'presentation.fct_engagement',
  'presentation.fct_campaign_members',
  'presentation.dim_campaign',
  'presentation.dim_user',
];

/** Rows and a checksum of each table, without when they were loaded. */
async function checksums(): Promise<(string | null)[][]> {
  const asked = TABLES.map((table) => {
    const without = table === 'staging.stg_record' ? 'batch' : '_batch';
    return `SELECT '${table}', count(*), bit_xor(hash(t)) FROM (SELECT * EXCLUDE (${without}) FROM ${table}) t`;
  });
  return ask(asked.join(' UNION ALL ') + ' ORDER BY 1');
}

/** Writes a file with the record of one plan, whose revision is given. */
async function writePlan(path: string, revision: string): Promise<void> {
  const row = { plan_id: 'premium', name: 'Premium', revision, updated_at: '2026-11-01T00:00:00Z' };
  const record = {
    id: `slot/${revision}`,
    table: 'plan',
    op: 'insert',
    committed_at: '2026-11-01T00:00:00Z',
    row,
  };
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, gzipSync(`${JSON.stringify(record)}\n`));
}

/** Captures what `changes` does, into new files. */
async function captured(changes: () => Promise<unknown>): Promise<void> {
  const capture = await startCapture({ url: database.url, zone: new FolderZoneClient(raw) });
  await eventually('the snapshot is there', async () => (await rawFilesIn(raw)).length > 0);
  await changes();
  const [{ lsn } = { lsn: '' }] = await database.query<{ lsn: string }>(
    'SELECT pg_current_wal_insert_lsn()::text AS lsn',
  );
  await eventually('the log has been read up to here', async () => {
    const rows = await database.query(
      `SELECT FROM pg_replication_slots WHERE database = current_database() AND NOT temporary AND confirmed_flush_lsn >= $1::pg_lsn`,
      [lsn],
    );
    return rows.length > 0;
  });
  await capture.stop();
}

const member = async (userId: string, version: number, status: string) => {
  await database.query(
    `INSERT INTO membership (user_id, version, status, plan_id, effective_at, reason, updated_at, bucket)
     VALUES ($1, $2, $3, 'premium', '2026-11-01', 'test', '2026-11-01', bucket_of($1))
     ON CONFLICT (user_id, bucket) DO UPDATE SET version = excluded.version, status = excluded.status`,
    [userId, version, status],
  );
  await database.query(
    `INSERT INTO membership_history (user_id, version, status, plan_id, effective_at, reason, processor, recorded_at, bucket)
     VALUES ($1, $2, $3, 'premium', '2026-11-01', 'test', 'stripe', '2026-11-01', bucket_of($1))`,
    [userId, version, status],
  );
};

const play = (userId: string, position: number, at: string) =>
  database.query(
    `INSERT INTO playback_position (user_id, profile_id, show_id, episode_id, position_seconds, duration_seconds, state, device_id, at, bucket)
     VALUES ($1, 'main', 'show', 'e1', $2, 3600, 'playing', 'tv', $3, bucket_of($1))
     ON CONFLICT (user_id, profile_id, show_id, bucket) DO UPDATE SET position_seconds = excluded.position_seconds, at = excluded.at`,
    [userId, position, at],
  );

const receipt = (userId: string, state: number) =>
  database.query(
    `INSERT INTO receipt (user_id, device_id, epoch, "offset", event_id, type, state, sent_at, created_at, bucket)
     VALUES ($1, 'tv', 'e', 1, '018f3a52-0000-7000-8000-000000000001', 'membership.changed', $2, '2026-11-01', '2026-11-01', bucket_of($1))
     ON CONFLICT (user_id, device_id, epoch, "offset", bucket) DO UPDATE SET state = excluded.state`,
    [userId, state],
  );

const tap = (userId: string, id: string) =>
  database.query(
    `INSERT INTO engagement_event (day, user_id, id, kind, at, campaign, bucket)
     VALUES (current_date, $1, $2, 'tapped', now(), 'autumn', bucket_of($1))`,
    [userId, id],
  );

const campaignMember = (userId: string) =>
  database.query(
    `INSERT INTO campaign_member (campaign, user_id, state, audience, channel, due_at, bucket)
     VALUES ('autumn', $1, 'queued', 'all', 'push', now(), bucket_of($1))`,
    [userId],
  );

const device = (userId: string) =>
  database.query(
    `INSERT INTO device (user_id, device_id, platform, bucket) VALUES ($1, 'tv', 'web', bucket_of($1)) ON CONFLICT DO NOTHING`,
    [userId],
  );

/** Cuts the newest file of the table in half, as a copy that broke off. Returns where it is, and what it was. */
async function cutFileOf(table: string): Promise<{ path: string; whole: Buffer }> {
  const path = join(raw, (await rawFilesIn(raw)).findLast((one) => one.startsWith(`${table}/`)) ?? '');
  const whole = await readFile(path);
  await truncate(path, Math.floor(whole.length / 2));
  return { path, whole };
}

/** As `--replay` takes it. */
const hourOf = (path: string): string =>
  (/date=(\d{4}-\d\d-\d\d\/hour=\d\d)/.exec(path)?.[1] ?? '').replace('/hour=', 'T');

// Each run starts dbt, which takes most of the time: so there are as few as the story has steps.
test('from the raw zone come tables that a rebuild, and a replay of any hour, makes again as they are; erased users are in none', async () => {
  for (const user of ['ada', 'bob', 'eve']) {
    await device(user);
    await member(user, 1, 'active');
  }
  await captured(async () => {
    await play('ada', 0, '2026-11-01T20:00:00Z');
    await play('ada', 60, '2026-11-01T20:01:00Z');
    await play('ada', 3_000, '2026-11-01T20:02:00Z');
    await receipt('ada', 1);
    await tap('ada', 't1');
    await tap('eve', 't2');
    await database.query(
      `INSERT INTO campaign (name, body, state, author) VALUES ('autumn', '{}', 'running', '{}')`,
    );
    await database.query(
      `INSERT INTO campaign (name, body, state, author, broadcast_id)
       VALUES ('notice', '{"to":"everyone"}', 'running', '{}', gen_random_uuid())`,
    );
    for (const user of ['ada', 'bob', 'eve']) await campaignMember(user);
    await play('eve', 5, '2026-11-01T20:00:00Z');
  });
  const { path, whole } = await cutFileOf('membership_history');
  const planPath = path.replace('membership_history', 'plan');
  await writePlan(planPath, 'many');
  expect(await runWell()).toContain('Completed');
  expect(await ask('SELECT path, fault FROM staging.quarantine ORDER BY fault')).toEqual([
    [path, 'is no record'],
    [planPath, 'revision is not bigint'],
  ]);
  expect(
    await ask('SELECT user_id, membership_status, devices FROM presentation.dim_user ORDER BY 1'),
  ).toEqual([
    ['ada', 'active', '1'],
    ['bob', 'active', '1'],
    ['eve', 'active', '1'],
  ]);
  expect(await ask('SELECT count(*) < 3 FROM presentation.fct_membership_changes')).toEqual([['True']]);
  // Whom a campaign to everyone reached is not known.
  expect(
    await ask(
      'SELECT name, members, converted, broadcast_id IS NULL FROM presentation.dim_campaign ORDER BY 1',
    ),
  ).toEqual([
    ['autumn', '3', '0', 'True'],
    ['notice', null, null, 'False'],
  ]);

  await captured(async () => {
    await member('ada', 2, 'canceled');
    await receipt('ada', 3);
    await play('ada', 3_060, '2026-11-02T20:00:00Z');
    await database.query(`UPDATE campaign_member SET converted_at = '2026-11-02' WHERE user_id = 'ada'`);
    await database.query(`DELETE FROM campaign_member WHERE user_id = 'bob'`);
    const connections = new Database(testConfig({ DATABASE_URL: database.url }));
    await new ErasureStore(connections, userErasures).erase('eve', () => Promise.resolve());
    await connections.onApplicationShutdown();
    await database.query(`DELETE FROM receipt`);
  });
  // The files are copied once more, and their hour read again.
  await writeFile(path, whole);
  await writePlan(planPath, '7');
  await runWell('--replay', hourOf(path));
  expect(await ask('SELECT fault FROM staging.quarantine')).toEqual([]);
  expect(await ask('SELECT revision FROM staging.stg_plan')).toEqual([['7']]);
  expect(
    await ask('SELECT user_id, version, status FROM presentation.fct_membership_changes ORDER BY 1, 2'),
  ).toEqual([
    ['ada', '1', 'active'],
    ['ada', '2', 'canceled'],
    ['bob', '1', 'active'],
  ]);
  expect(await ask('SELECT day, seconds_watched FROM presentation.fct_playback_daily ORDER BY 1')).toEqual([
    ['2026-11-01', '120.0'],
    ['2026-11-02', '60.0'],
  ]);
  expect(await ask('SELECT user_id, outcome FROM presentation.fct_deliveries')).toEqual([['ada', 'applied']]);
  expect(await ask(`SELECT count(*) FROM staging.stg_record WHERE content LIKE '%"user_id":"eve"%'`)).toEqual(
    [['0']],
  );
  expect(await ask('SELECT user_id, kind, campaign FROM presentation.fct_engagement')).toEqual([
    ['ada', 'tapped', 'autumn'],
  ]);
  expect(
    await ask(
      `SELECT user_id, state, channel, converted_at = timestamptz '2026-11-02 00:00:00Z' FROM presentation.fct_campaign_members ORDER BY 1`,
    ),
  ).toEqual([
    ['ada', 'queued', 'push', 'True'],
    ['bob', 'queued', 'push', null],
  ]);
  expect(
    await ask('SELECT name, state, members, queued, converted FROM presentation.dim_campaign ORDER BY 1'),
  ).toEqual([
    ['autumn', 'running', '2', '2', '1'],
    ['notice', 'running', null, null, null],
  ]);
  const kept = await checksums();

  // The intern deleted the data.
  await ask('DROP SCHEMA staging CASCADE');
  await ask('DROP SCHEMA presentation CASCADE');
  await runWell();
  expect(await checksums()).toEqual(kept);
}, 300_000);

test('a second run at the same time is refused', async () => {
  const end = await database.holdTransaction(`SELECT pg_advisory_xact_lock(hashtext('usher warehouse run'))`);
  const { code, said } = await run();
  await end();
  expect(code).toBe(1);
  expect(said).toContain('Another run of the warehouse goes on');
});
