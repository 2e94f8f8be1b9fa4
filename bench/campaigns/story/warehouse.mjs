/* `usher warehouse run`, and what is in its tables. With the Python of warehouse/.venv, which `npm run test:warehouse` makes. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { project } from '../../../tools/places.mjs';

const run = promisify(execFile);
const bin = join(project, 'warehouse', '.venv', 'bin');
const RUN_WITHIN_MS = 30 * 60_000;
const ASK = `import duckdb, json, sys
print(json.dumps([[None if value is None else str(value) for value in row] for row in duckdb.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()]))`;

/** Whether dbt is there. */
export const hasWarehouse = () => existsSync(join(bin, 'dbt'));

/** Makes the tables of the raw zone `raw` in the file. */
export async function runWarehouse({ databaseUrl, raw, file, home }) {
  const options = ['--raw', raw, '--file', file, '--dbt', join(bin, 'dbt')];
  await run(process.execPath, [join(project, 'clients/cli/bin/usher.js'), 'warehouse', 'run', ...options], {
    cwd: project,
    env: { PATH: process.env.PATH, HOME: home, USHER_DATABASE_URL: databaseUrl },
    timeout: RUN_WITHIN_MS,
    maxBuffer: 64 * 1024 * 1024,
  }).catch(({ stdout, stderr, message }) => {
    throw new Error(`${message}\n${stdout}\n${stderr}`);
  });
}

/** Asks DuckDB; each row is an array of texts. */
export async function askWarehouse(file, sql) {
  const { stdout } = await run(join(bin, 'python'), ['-c', ASK, file, sql]);
  return JSON.parse(stdout);
}
