/*
 * `npm run test:warehouse`: from changes in PostgreSQL to the tables of the warehouse, with dbt and DuckDB in a virtual environment of Python that it makes
 * in warehouse/.venv. Skipped, with a line that says why, where Python is missing.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { project } from './places.mjs';
import { runToEnd } from './processes.mjs';
import { jest, withDatabases } from './test.mjs';

const folder = join(project, 'warehouse');
const venv = join(folder, '.venv');
const INSTALL_WITHIN_MS = 10 * 60_000;

/** Returns the exit code. */
export async function testWarehouse(args) {
  const reason = makeEnvironment();
  if (reason !== undefined) {
    console.log(`skipped: ${reason}`);
    return 0;
  }
  const kind = { purpose: 'warehouse', durable: false, postgres: ['wal_level=logical'] };
  return withDatabases(kind, ({ environment }) =>
    runToEnd(process.execPath, [...jest, ...args], {
      cwd: project,
      env: {
        ...process.env,
        ...environment,
        USHER_TEST: '1',
        USHER_SUITE: 'warehouse',
        USHER_WAREHOUSE_VENV: venv,
      },
    }),
  );
}

/** Installed again only when the list of what is needed has changed. Returns why it cannot be made. */
function makeEnvironment() {
  const needed = readFileSync(join(folder, 'requirements.txt'), 'utf8');
  const mark = join(venv, 'wanted');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === needed) return undefined;
  const version = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 11))']);
  if (version.status !== 0) return 'python3 is missing, or older than 3.11';
  try {
    execFileSync('python3', ['-m', 'venv', venv], { stdio: 'ignore' });
    execFileSync(
      join(venv, 'bin', 'pip'),
      ['install', '--quiet', '--disable-pip-version-check', '-r', join(folder, 'requirements.txt')],
      { timeout: INSTALL_WITHIN_MS, stdio: ['ignore', 'ignore', 'pipe'] },
    );
  } catch (error) {
    return `the packages of warehouse/requirements.txt cannot be installed: ${String(error.stderr ?? error).slice(-300)}`;
  }
  writeFileSync(mark, needed);
  return undefined;
}
