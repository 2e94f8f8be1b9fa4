import { readdirSync } from 'node:fs';
import { type Check, fail, ok, warn } from './check.js';

/** A row of _prisma_migrations that was not rolled back. */
export interface AppliedMigration {
  readonly name: string;
  readonly isFinished: boolean;
}

/** Beside the bundle, where build.mjs copies them, or in the repository. */
const FOLDERS = ['migrations', '../../../../prisma/migrations'];
const MIGRATE = '`node tools/migrate.mjs` brings the database to the newest schema.';

/** Returns the names of the migrations of this version, in their order. */
export function knownMigrations(): string[] {
  for (const folder of FOLDERS) {
    try {
      const entries = readdirSync(new URL(folder, import.meta.url), { withFileTypes: true });
      return entries
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .toSorted();
    } catch {
      // It is in the other place.
    }
  }
  throw new Error('the migrations are missing in this installation of the command line');
}

/** Compares what the database has applied with what this version knows. `applied` is undefined where there is no such table. */
export function checkMigrations(
  known: readonly string[],
  applied: readonly AppliedMigration[] | undefined,
): Check {
  const name = 'migrations';
  if (applied === undefined) return fail(name, 'none is applied', MIGRATE);
  const halfDone = applied.find(({ isFinished }) => !isFinished);
  if (halfDone) return fail(name, `${halfDone.name} failed half-way`, MIGRATE);
  const present = new Set(applied.map((one) => one.name));
  const missing = known.filter((one) => !present.has(one));
  if (missing.length > 0) return fail(name, `not applied: ${missing.join(', ')}`, MIGRATE);
  const newer = [...present].filter((one) => !known.includes(one));
  if (newer.length > 0)
    return warn(
      name,
      `unknown here: ${newer.join(', ')}`,
      'The database is newer than this command line: update it.',
    );
  return ok(name, `all ${known.length} are applied`);
}
