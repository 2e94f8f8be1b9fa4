/*
 * Brings a database to the newest schema: applies `prisma/migrations/<name>/migration.sql` in the order of their names.
 * `prisma migrate deploy` needs an engine that npm does not carry, so this does the same with `pg`, in Prisma's own words:
 * same advisory lock, same `_prisma_migrations` table, same checksums. Prisma can take over at any time, and back.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { project } from './places.mjs';

const prismasLock = 72707369;
const lockWithin = 60_000; // ms; another node may be migrating
const folder = join(project, 'prisma', 'migrations');
const ledger = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id                  VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum            VARCHAR(64) NOT NULL,
  finished_at         TIMESTAMPTZ,
  migration_name      VARCHAR(255) NOT NULL,
  logs                TEXT,
  rolled_back_at      TIMESTAMPTZ,
  started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`;
const started = 'INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)';
const finished =
  'UPDATE _prisma_migrations SET finished_at = clock_timestamp(), applied_steps_count = 1 WHERE id = $1';
// PostgreSQL runs this one outside transactions only, so it must be alone in its file.
const concurrentIndex =
  /^CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?("[^"]+"|\w+)[^;]*;?$/i;

/** Gives the names of the migrations that it applied. Throws a sentence when the database does not fit these files. */
export async function migrate(databaseUrl) {
  const client = new pg.Client({ connectionString: databaseUrl, options: '-c TimeZone=UTC' });
  await client.connect();
  try {
    await lock(client);
    const before = await history(client);
    const migrations = migrationsOnDisk();
    refuseOlderThan(migrations[0].name, before);
    const applied = [];
    for (const migration of migrations) {
      if (await isApplied(client, migration, before)) continue;
      await apply(client, migration);
      applied.push(migration.name);
    }
    return applied;
  } finally {
    await client.end(); // which also frees the lock
  }
}

// Asked for again and again instead of waited for: a waiting statement is what CREATE INDEX CONCURRENTLY waits for in turn.
async function lock(client) {
  for (const deadline = Date.now() + lockWithin; Date.now() < deadline; await sleep(100)) {
    const { rows } = await client.query('SELECT pg_try_advisory_lock($1) AS ours', [prismasLock]);
    if (rows[0].ours) return;
  }
  throw new Error(
    `Another migration of this database has been running for ${lockWithin / 1000} s; try again when it has ended.`,
  );
}

async function history(client) {
  const {
    rows: [{ missing }],
  } = await client.query(`SELECT to_regclass('_prisma_migrations') IS NULL AS missing`);
  if (missing) await client.query(ledger);
  const { rows } = await client.query(
    'SELECT id, migration_name AS name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL',
  );
  return new Map(rows.map((row) => [row.name, row]));
}

// Databases of the development before 0.1.0 cannot be brought to the baseline: nothing was released with their schema.
function refuseOlderThan(baseline, before) {
  if (before.size === 0 || before.has(baseline)) return;
  throw new Error(
    `This database was made before ${baseline}, by a version that was never released, and cannot be migrated. ` +
      'Start with an empty database; in development, remove the folder .usher/.',
  );
}

function migrationsOnDisk() {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  return names
    .sort()
    .map((name) => ({ name, sql: readFileSync(join(folder, name, 'migration.sql'), 'utf8') }));
}

async function isApplied(client, { name, sql }, before) {
  const row = before.get(name);
  if (row === undefined) return false;
  if (row.finished_at === null) return giveUp(client, row, indexOf(sql));
  if (
    ![sql, sql.replaceAll('\r\n', '\n'), sql.replace(/\r?\n/g, '\r\n')].map(checksum).includes(row.checksum)
  ) {
    throw new Error(
      `Migration ${name} was changed after this database applied it. Restore the file and put the change into a new migration.`,
    );
  }
  return true;
}

// Half done: an index that was being built when we were killed can simply be built again, anything else needs a person.
async function giveUp(client, row, index) {
  if (index === null) {
    throw new Error(
      `Migration ${row.name} failed half-way earlier. Repair the database, then say so with \`npx prisma migrate resolve\`.`,
    );
  }
  const broken = await client.query(
    'SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid',
    [index],
  );
  if (broken.rowCount > 0) await client.query(`DROP INDEX CONCURRENTLY ${index}`);
  await client.query('UPDATE _prisma_migrations SET rolled_back_at = now() WHERE id = $1', [row.id]);
  return false;
}

async function apply(client, { name, sql }) {
  const id = randomUUID();
  const alone = indexOf(sql) !== null;
  try {
    if (!alone) await client.query('BEGIN');
    await client.query(started, [id, checksum(sql), name]);
    await client.query(sql);
    await client.query(finished, [id]);
    if (!alone) await client.query('COMMIT');
  } catch (error) {
    if (!alone) await client.query('ROLLBACK').catch(() => {});
    const line = error.position ? ` (line ${sql.slice(0, Number(error.position)).split('\n').length})` : '';
    throw new Error(`Migration ${name} failed${line}: ${error.message}`, { cause: error });
  }
}

function indexOf(sql) {
  const bare = sql
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/--.*$/gm, '')
    .trim();
  return concurrentIndex.exec(bare)?.[1] ?? null;
}

function checksum(text) {
  return createHash('sha256').update(text).digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    if (!process.env.DATABASE_URL) throw new Error('Set DATABASE_URL to the database to migrate.');
    const applied = await migrate(process.env.DATABASE_URL);
    console.log(applied.length === 0 ? 'The schema is up to date.' : `Applied ${applied.join(', ')}.`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
