import pg from 'pg';
import { type Check, CHECK_TIMEOUT_MS, checkClock, fail, ok, reasonOf } from './check.js';
import { checkCapture } from './capture-check.js';
import { type AppliedMigration, checkMigrations, knownMigrations } from './migrations.js';

/** docs/operate/deploy.md */
const OLDEST_MAJOR = 18;
const FACTS = `SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now, current_setting('server_version_num')::int AS version,
  pg_is_in_recovery() AS "isStandby", to_regclass('_prisma_migrations') IS NOT NULL AS "hasLedger"`;
const LEDGER = `SELECT migration_name AS name, finished_at IS NOT NULL AS "isFinished" FROM _prisma_migrations WHERE rolled_back_at IS NULL`;

interface Facts {
  readonly now: string;
  readonly version: number;
  readonly isStandby: boolean;
  readonly hasLedger: boolean;
}

/** Connects to PostgreSQL, and looks at its version, its role, its clock and its schema. */
export async function checkPostgres(url: string): Promise<Check[]> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CHECK_TIMEOUT_MS,
    query_timeout: CHECK_TIMEOUT_MS,
    application_name: 'usher doctor',
  });
  client.on('error', () => undefined); // a connection that ends early fails the query, too
  const startedAt = Date.now();
  try {
    await client.connect();
    return await ask(client, Date.now() - startedAt);
  } catch (error) {
    return [
      fail(
        'PostgreSQL',
        `cannot be reached: ${reasonOf(error)}`,
        'Check DATABASE_URL, and whether it runs and lets this machine in.',
      ),
    ];
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function ask(client: pg.Client, connectMs: number): Promise<Check[]> {
  const before = Date.now();
  const { rows } = await client.query<Facts>(FACTS);
  const after = Date.now();
  const facts = rows[0] as Facts;
  const applied = facts.hasLedger ? (await client.query<AppliedMigration>(LEDGER)).rows : undefined;
  return [
    describe(facts, connectMs, after - before),
    checkClock("PostgreSQL's clock", Number(facts.now), before, after),
    checkMigrations(knownMigrations(), applied),
    ...(await checkCapture(client)),
  ];
}

function describe({ version, isStandby }: Facts, connectMs: number, queryMs: number): Check {
  const major = Math.floor(version / 10_000);
  const detail = `${major}.${version % 10_000}, connected in ${connectMs} ms, answers in ${queryMs} ms`;
  if (isStandby)
    return fail('PostgreSQL', `${detail}, but is a standby`, 'DATABASE_URL must name the primary.');
  if (major < OLDEST_MAJOR) return fail('PostgreSQL', detail, `Usher needs ${OLDEST_MAJOR} or newer.`);
  return ok('PostgreSQL', detail);
}
