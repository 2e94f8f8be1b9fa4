/*
 * What a migration after the baseline may not do, because it would stop a table of fifty million rows for minutes: CREATE INDEX without
 * CONCURRENTLY, a CHECK or a foreign key without NOT VALID (or validated in the same transaction), SET NOT NULL. On a table that the same
 * file creates everything is allowed.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { project } from '../places.mjs';

const folder = join(project, 'prisma', 'migrations');
const name = String.raw`(?:ONLY\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:"?public"?\.)?"?(\w+)"?`;
const createTable = new RegExp(String.raw`^CREATE\s+TABLE\s+${name}`, 'i');
const createIndex = new RegExp(
  String.raw`^CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?!CONCURRENTLY\b)[^;]*?\bON\s+${name}`,
  'i',
);
const alterTable = new RegExp(String.raw`^ALTER\s+TABLE\s+${name}`, 'i');
const checkOrForeignKey =
  /\bADD\s+(?:CONSTRAINT\s+\S+\s+)?(?:CHECK|FOREIGN\s+KEY)\b|\bADD\s+COLUMN\b[^,]*\b(?:CHECK|REFERENCES)\b/i;

const statements = (sql) =>
  sql
    .replaceAll(/--[^\n]*/g, '')
    .split(';')
    .map((one) => one.trim())
    .filter(Boolean);

/** Returns a sentence for each fault of a later migration's SQL. */
export function faultsOf(sql) {
  const all = statements(sql);
  const created = new Set(all.flatMap((one) => createTable.exec(one)?.[1] ?? []));
  const onOldTable = (pattern, one) => {
    const table = pattern.exec(one)?.[1];
    return table === undefined || created.has(table) ? undefined : table;
  };
  return all.flatMap((one) => {
    const indexed = onOldTable(createIndex, one);
    if (indexed)
      return [`an index on ${indexed} is created without CONCURRENTLY, which blocks all writes to it`];
    const altered = onOldTable(alterTable, one);
    if (!altered) return [];
    if (checkOrForeignKey.test(one) && !/\bNOT\s+VALID\b/i.test(one))
      return [
        `a constraint on ${altered} is added without NOT VALID, which reads the whole table under a lock`,
      ];
    if (/\bVALIDATE\s+CONSTRAINT\b/i.test(one) && all.some((other) => /\bNOT\s+VALID\b/i.test(other)))
      return [
        `a constraint on ${altered} is validated in the file that adds it, whose lock lasts until the commit`,
      ];
    if (/\bSET\s+NOT\s+NULL\b/i.test(one))
      return [
        `a column of ${altered} is SET NOT NULL, which reads the whole table under a lock: a CHECK … NOT VALID says the same`,
      ];
    return [];
  });
}

/** Prints what is wrong in the migrations after the first, which creates an empty schema; returns the exit code. */
export function checkMigrations() {
  const [, ...later] = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted();
  const found = later.flatMap((migration) =>
    faultsOf(readFileSync(join(folder, migration, 'migration.sql'), 'utf8')).map(
      (fault) => `${migration}: ${fault}`,
    ),
  );
  for (const one of found) console.log(one);
  return found.length === 0 ? 0 : 1;
}

if (process.argv[1] === import.meta.filename) process.exitCode = checkMigrations();
