/*
 * A real PostgreSQL 18 of our own, for development, tests and benchmarks: nothing to install, 0.4 s to ready. It listens on
 * the loopback only, in UTC and UTF-8, with a random password that lies in its data folder, and ends with this process.
 * PostgreSQL refuses to run as root, so root starts it as the account `postgres` or `nobody`, whichever exists; none is made.
 */
import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { everyoneCanEnter, isRoot } from '../places.mjs';
import { freePort } from '../ports.mjs';
import { postgresBinaries } from './postgres-binaries.mjs';
import { ownerSetting, stopLeftOver } from './postgres-leftover.mjs';
import { childrenOf, startServer, stopServer } from '../processes.mjs';

const superuser = 'usher';
const database = 'usher';
const passwordFile = 'usher-password';
const settings = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=200',
  'timezone=UTC',
  'log_timezone=UTC',
];
// synchronous_commit stays on: without it a crash of the process alone, which failure tests cause, would lose acknowledged
// writes, and such a test would blame the gateway. Without fsync the wait is 0.1 ms.
const careless = ['fsync=off', 'full_page_writes=off'];
const readyWithin = 60_000; // ms; recovery after a crash is part of it
// Its locale is PostgreSQL's own C.UTF-8, so that no locale of the system is needed.
const clusterOptions = [
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
];

/**
 * Starts PostgreSQL on `dataDir`, which is made at the first start and kept afterwards. `durable: false` is for tests: it
 * does not wait for the disk and may lose everything in a power cut. `more`: further settings, `name=value`.
 * `stop()` waits for a clean end and may be called twice; `kill()` is a crash: nothing is flushed, as after kill -9.
 */
export async function startPostgres({ dataDir, port, durable = true, more = [] }) {
  const binaries = await postgresBinaries();
  const folder = join(realpathSync(dirname(dataDir)), basename(dataDir));
  const account = accountFor(folder);
  await stopLeftOver(folder);
  if (!existsSync(join(folder, 'PG_VERSION'))) await makeCluster(binaries, folder, account, durable);
  const password = readFileSync(join(folder, passwordFile), 'utf8');
  const { server, port: chosen } = await launch({
    binaries,
    folder,
    account,
    port,
    more: [...(durable ? [] : careless), ...more],
  });
  const url = `postgresql://${superuser}:${password}@127.0.0.1:${chosen}/${database}`;
  await ensureDatabase(url);

  let stopping;
  const stop = () =>
    (stopping ??= stopServer(server, [
      ['SIGINT', 15_000],
      ['SIGQUIT', 5_000],
      ['SIGKILL', 5_000],
    ]));
  return {
    url,
    port: chosen,
    pid: server.pid,
    dataDir: folder,
    exited: server.exited,
    stop,
    kill: () => crash(server),
  };
}

async function launch({ binaries, folder, account, port, more }) {
  for (let attempt = 1; ; attempt += 1) {
    const chosen = port ?? (await freePort());
    const log = `${folder}.log`;
    const output = openSync(log, 'w', 0o600);
    const choices = [...settings, `port=${chosen}`, `${ownerSetting}=${process.pid}`, ...more];
    const args = ['-D', folder, ...choices.flatMap((setting) => ['-c', setting])];
    const server = startServer(join(binaries, 'bin', 'postgres'), args, {
      ...surroundings(account),
      stdio: ['ignore', output, output],
      lastSignal: 'INT',
    });
    closeSync(output);
    if (await isReady(server, folder)) return { server, port: chosen };
    await stopServer(server, [
      ['SIGQUIT', 5_000],
      ['SIGKILL', 5_000],
    ]);
    const said = readFileSync(log, 'utf8');
    // Helpers of a server that crashed a moment ago need a moment more; a free port may just have been taken.
    const mayPass = /shared memory block|Address already in use/.test(said);
    if (!mayPass || attempt === 20)
      throw new Error(`PostgreSQL did not start on ${folder}:\n${lastLines(said)}`);
    await sleep(250);
  }
}

/** PostgreSQL writes its state into the eighth line of postmaster.pid; `pg_ctl` reads the same. */
async function isReady(server, folder) {
  for (
    const deadline = Date.now() + readyWithin;
    Date.now() < deadline && server.isRunning();
    await sleep(15)
  ) {
    const lines = readOrEmpty(join(folder, 'postmaster.pid')).split('\n');
    if (Number(lines[0]) === server.pid && lines[7]?.trim() === 'ready') return true;
  }
  return false;
}

// Under another name until it is whole: initdb killed half-way must not look like a data folder at the next start.
async function makeCluster(binaries, folder, account, durable) {
  if (isRoot && !everyoneCanEnter(dirname(folder))) {
    throw new Error(
      `PostgreSQL cannot run as root, and its account cannot enter ${dirname(folder)}; choose a folder that it can.`,
    );
  }
  const unfinished = `${folder}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  const secret = `${folder}.password`;
  rmSync(secret, { force: true });
  writeFileSync(secret, randomBytes(24).toString('hex'), { mode: 0o600, flag: 'wx' });
  if (account.uid !== undefined)
    for (const path of [unfinished, secret]) chownSync(path, account.uid, account.gid);
  const safety = durable ? [] : ['--no-sync'];
  const args = [
    '-D',
    unfinished,
    '-U',
    superuser,
    '-A',
    'scram-sha-256',
    `--pwfile=${secret}`,
    // The many rounds protect passwords that can be guessed. This one is random, and the rounds would cost each connection 10 ms.
    '--set=scram_iterations=1',
    ...clusterOptions,
    ...safety,
  ];
  try {
    await promisify(execFile)(join(binaries, 'bin', 'initdb'), args, surroundings(account));
  } catch (error) {
    throw new Error(
      `PostgreSQL could not make its data folder ${folder}:\n${lastLines(`${error.stderr || error.message}`)}`,
      {
        cause: error,
      },
    );
  }
  await rename(secret, join(unfinished, passwordFile));
  await rename(unfinished, folder);
}

async function ensureDatabase(url) {
  const admin = new URL(url);
  admin.pathname = '/postgres';
  const client = new pg.Client({ connectionString: admin.href });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [database]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${database}`);
  } finally {
    await client.end();
  }
}

async function crash(server) {
  const helpers = server.isRunning() ? childrenOf(server.pid) : [];
  server.child.kill('SIGKILL');
  for (const pid of helpers) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it followed its parent already
    }
  }
  await server.exited;
}

/** Nothing to change for an ordinary account; for root the owner of the data, else an account that may run PostgreSQL. */
function accountFor(folder) {
  if (!isRoot) return {};
  if (existsSync(folder) && statSync(folder).uid !== 0)
    return { uid: statSync(folder).uid, gid: statSync(folder).gid };
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((what) => idOf(name, what));
    if (uid && gid) return { uid, gid };
  }
  throw new Error(
    'PostgreSQL cannot run as root, and there is no account `postgres` or `nobody` here; run Usher as another account or set DATABASE_URL.',
  );
}

function idOf(name, what) {
  try {
    return Number(
      execFileSync('id', [what, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
  } catch {
    return null;
  }
}

// The account may not be allowed into our own folder, and our PG… variables are meant for another server.
function surroundings(account) {
  return { ...account, cwd: '/', env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' } };
}

function readOrEmpty(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function lastLines(text) {
  return text.trimEnd().split('\n').slice(-8).join('\n');
}
