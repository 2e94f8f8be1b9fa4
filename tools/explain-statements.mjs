/*
 * `node tools/explain-statements.mjs` with DATABASE_URL, REDIS_URL and AUTH_JWT_SECRET: every prepared statement of the built server with its
 * plan in that database, as its statistics are now. Nothing is executed (EXPLAIN's GENERIC_PLAN). With names as arguments only those. With
 * --json: their names and texts alone, as JSON. test/contract/statement-plans/ checks the same plans on tables that are filled.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { project } from './places.mjs';

/** Without its value the planner takes a LIMIT for a tenth of the table. No worker takes more than some hundred rows at once. */
const withLimit = (text) => text.replace(/\bLIMIT \$\d+/g, 'LIMIT 100');

/** The plan of a statement as PostgreSQL's JSON, for any values of its parameters. */
export async function planOf(client, text) {
  const { rows } = await client.query(`EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${withLimit(text)}`);
  return rows[0]['QUERY PLAN'][0].Plan;
}

/** A partition of a day counts as its table. */
const tableOf = (relation) => relation.replace(/_\d{8}$/, '');

/** The names of the tables that the plan reads from end to end, itself or by an index without a condition, each once. */
export function wholeTables(plan, isLimited = false) {
  const { 'Node Type': type, 'Relation Name': relation, Plans: plans = [] } = plan;
  const table = relation && tableOf(relation);
  const isWhole =
    type === 'Seq Scan' || (/^Index (Only )?Scan/.test(type) && !plan['Index Cond'] && !isLimited);
  // What is sorted or joined below a LIMIT is read whole all the same; a plain scan stops.
  const below = plans.flatMap((one) =>
    wholeTables(one, /^(Limit|LockRows|Subquery Scan)$/.test(type) && (isLimited || type === 'Limit')),
  );
  return [...new Set(isWhole && table ? [table, ...below] : below)];
}

/**
 * Runs the statement by its generic plan, with these values, and returns that plan with what was really read (EXPLAIN ANALYZE). What it
 * writes is rolled back.
 */
export async function executedPlanOf(client, text, values) {
  const literal = (value) => (value === null ? 'NULL' : client.escapeLiteral(String(value)));
  await client.query('BEGIN');
  try {
    await client.query('SET LOCAL plan_cache_mode = force_generic_plan');
    await client.query(`PREPARE explained AS ${text}`);
    const { rows } = await client.query(
      `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE explained ${values.length > 0 ? `(${values.map(literal).join(', ')})` : ''}`,
    );
    return rows[0]['QUERY PLAN'][0].Plan;
  } finally {
    await client.query('ROLLBACK; DEALLOCATE ALL');
  }
}

/** The most rows that one part of an executed plan read from a table, with those that a filter dropped. */
export function mostRowsRead(plan) {
  const { 'Relation Name': table, 'Actual Rows': rows, 'Actual Loops': loops, Plans: plans = [] } = plan;
  const dropped = (plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Index Recheck'] ?? 0);
  return Math.max(table ? (rows + dropped) * loops : 0, ...plans.map(mostRowsRead));
}

/** The plan as lines to read. */
export function printed(plan, depth = 0) {
  const at = [plan['Index Name'], plan['Relation Name'] && `on ${plan['Relation Name']}`]
    .filter(Boolean)
    .join(' ');
  const condition = plan['Index Cond'] ?? plan['Recheck Cond'] ?? plan.Filter ?? '';
  const line = `${'  '.repeat(depth + 1)}${plan['Node Type']} ${at} ${condition}`.trimEnd();
  return [line, ...(plan.Plans ?? []).flatMap((below) => printed(below, depth + 1))];
}

const TABLES = `SELECT c.relname AS "table" FROM pg_class c
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> '_prisma_migrations'`;
const COLUMNS = `SELECT a.attname AS name, t.typname AS type, a.attnotnull AS required, a.atthasdef AS "hasDefault",
    (SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum] LIMIT 1) AS check
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''`;

/** A value of the column for row n. What a CHECK lists comes by its first value that `usual` has, else by the first one. */
function valueOf({ name, type, check }, usual) {
  const listed = [...(/ARRAY\[(.*)\]/.exec(check ?? '')?.[1] ?? '').matchAll(/'([^']*)'/g)].map(
    (match) => match[1],
  );
  if (listed.length > 0) return `'${listed.find((value) => usual.includes(value)) ?? listed[0]}'`;
  const byType = {
    text: `'${name} ' || n`,
    uuid: 'gen_random_uuid()',
    int2: '1 + n % 4',
    int4: 'n',
    int8: 'n',
    float8: 'n',
    bool: 'n % 2 = 0',
    timestamptz: `now() - n * interval '1 second'`,
    // Of a partitioned table: each partition of a new database has some.
    date: 'current_date + 3 - n % 12',
    json: `'{}'::json`,
    jsonb: `'{}'::jsonb`,
    bytea: `decode(md5(n::text), 'hex')`,
    _text: `'{}'::text[]`,
    _int8: `'{}'::bigint[]`,
  };
  if (!byType[type])
    throw new Error(`tools/explain-statements.mjs has no value of the type ${type} of ${name}`);
  return byType[type];
}

/** A column that has a default keeps it, except a time, which would be the same in all rows. Every tenth row has no more than it must. */
const isFilled = ({ type, hasDefault }) => !hasDefault || type === 'timestamptz';

/**
 * Fills every table but those of `small` with so many rows, and updates the statistics. `usual`: the values that nearly all rows have
 * where a CHECK lists the values of a column. Returns the names of the tables that were filled.
 */
export async function fillTables(client, rows, { small, usual }) {
  const { rows: found } = await client.query(TABLES);
  const tables = found.map(({ table }) => table).filter((table) => !small.includes(table));
  await client.query('SET synchronous_commit = off');
  for (const table of tables) {
    const columns = (await client.query(COLUMNS, [table])).rows.filter(isFilled);
    const values = columns.map((column) =>
      column.required ? valueOf(column, usual) : `CASE WHEN n % 10 > 0 THEN ${valueOf(column, usual)} END`,
    );
    const names = columns.map(({ name }) => `"${name}"`).join(', ');
    await client.query(
      `INSERT INTO ${table} (${names}) SELECT ${values.join(', ')} FROM generate_series(1, ${rows}) AS n`,
    );
  }
  await client.query('ANALYZE');
  return tables;
}

/** The statements of the built server. Its stores alone are made: it has no role that does anything by itself. */
async function builtStatements() {
  process.env.ROLES = 'api';
  const dist = join(project, 'dist');
  const { NestFactory } = await import('@nestjs/core');
  const { AppModule } = await import(join(dist, 'app.module.js'));
  const { loadConfig } = await import(join(dist, 'platform', 'config', 'config.js'));
  const app = await NestFactory.createApplicationContext(AppModule.with(loadConfig()), { logger: false });
  for (const path of readdirSync(dist, { recursive: true }))
    if (path.endsWith('.store.js')) await import(join(dist, path));
  const { knownStatements } = await import(join(dist, 'platform', 'postgres', 'statement.js'));
  await app.close();
  return knownStatements();
}

async function main(names) {
  const statements = await builtStatements();
  if (names[0] === '--json') return console.log(JSON.stringify(statements));
  const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  for (const { name, text } of statements.filter(
    (one) => names.length === 0 || names.includes(one.name.split(':')[0]),
  )) {
    const plan = await planOf(client, text);
    const scanned = wholeTables(plan);
    console.log(`${name}${scanned.length > 0 ? ` reads all of ${scanned.join(', ')}` : ''}`);
    console.log(printed(plan).join('\n'));
  }
  await client.end();
}

if (process.argv[1] === import.meta.filename) await main(process.argv.slice(2));
