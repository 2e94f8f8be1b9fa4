/*
 * Starts what is measured and what measures: servers on core 0, load on core 1, unless told otherwise. Each is in the
 * foreground of a guard that ends it should we die.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../tools/ports.mjs';
import { startServer, stopServer } from '../tools/processes.mjs';
import { SERVER_FLAGS } from '../tools/server-flags.mjs';
import { children, prefer } from './stats.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, '..', 'dist');
export const SECRET = 'a secret that only the bench knows, 32 bytes or more';
export const STRIPE_SECRET = 'whsec_of_the_bench';
export const ADMIN_KEY = 'the-admin-key-of-the-bench';
const READY_WITHIN_MS = 30_000;
const hasTaskset = spawnSync('taskset', ['-V'], { stdio: 'ignore' }).status === 0;
const logs = mkdtempSync(join(tmpdir(), 'usher-bench-logs-'));
const running = new Set();

/** How much before other people's work on this machine (--urgent), and how much more what takes the time. */
const NICE = -10;
const FIRST = -19;
let isUrgent = false;
export const beUrgent = () => void (isUrgent = true);
let sockets = 'direct';
/** How Usher uses Socket.IO from now on (SOCKETS). */
export const useSockets = (how) => void (sockets = how);
/** What PostgreSQL does for us is urgent too; its processes come and go, so this is said before each measurement. */
export const preferPostgres = (pid) => isUrgent && pid && prefer([pid, ...children(pid)], NICE);

/** This process is the load: while it waited for a core, answers that are there would seem late. */
export const preferUs = () => isUrgent && prefer([process.pid], FIRST);

/**
 * Usher as it is run in production. `profile` is a folder for V8's CPU profile, `heap` one for what heap-sampling.mjs finds, both
 * written when it stops; `samples` and `stamps` ones for what cpu-sampling.mjs and event-stamps.mjs write when they are asked; `settings` are more than the usual ones.
 */
export async function startUsher({
  environment,
  cores,
  settles,
  profile,
  heap,
  samples,
  stamps,
  settings,
  file = 'usher.js',
}) {
  const port = await freePort();
  const profiling = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [];
  const stamping = stamps ? ['--import', join(here, 'event-stamps.mjs')] : [];
  const sampling = heap ? ['--import', join(here, 'heap-sampling.mjs')] : [];
  const args = [
    ...SERVER_FLAGS,
    ...flags(settles),
    ...profiling,
    ...sampling,
    ...stackSampling(samples),
    ...stamping,
    join(dist, file),
  ];
  const env = {
    ...(samples && { CPU_SAMPLES: samples }),
    ...(stamps && { EVENT_STAMPS: stamps }),
    ...(heap && { HEAP_FOLDER: heap }),
    PATH: process.env.PATH,
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    DATABASE_URL: environment.DATABASE_URL,
    REDIS_URL: environment.REDIS_URL,
    AUTH_JWT_SECRET: SECRET,
    ADMIN_KEY,
    STRIPE_WEBHOOK_SECRET: STRIPE_SECRET,
    DRAIN_SECONDS: '0',
    // The storm measures what a connection costs, not the pace at which they are admitted.
    CONNECTS_PER_SECOND: '1000000',
    CONNECTS_PER_USER: '1000000',
    SOCKETS: sockets,
    ...settings,
  };
  return launch('usher', args, { env, port, cores, isReady: () => answers(port) });
}

/** `adapter`: `stock` or `sharded`, over Redis; none unless told. `samples` as of `startUsher`. */
export async function startBare({ cores, settles, adapter, redisUrl, samples } = {}) {
  const more = {
    ...(adapter && { ADAPTER: adapter, REDIS_URL: redisUrl }),
    ...(samples && { CPU_SAMPLES: samples }),
  };
  return startSmall('bare-server.mjs', { cores, settles, samples, more });
}

const stackSampling = (samples) => (samples ? ['--import', join(here, 'cpu-sampling.mjs')] : []);

export async function startEmptyNest() {
  return startSmall('empty-nest.mjs', {});
}

/** The example edge node of `clients/edge`, which sends bytes to players that show a lease. */
export async function startEdge({ usherPort, key, edgeId }) {
  const port = await freePort();
  const env = {
    PATH: process.env.PATH,
    USHER_URL: `http://127.0.0.1:${usherPort}`,
    USHER_EDGE_KEY: key,
    EDGE_ID: edgeId,
    PORT: String(port),
  };
  const connected = () =>
    fetch(`http://127.0.0.1:${port}/health`).then(
      async (response) => (await response.json()).connected,
      () => false,
    );
  const example = join(here, '..', 'clients', 'edge', 'example', 'server.mjs');
  return launch('edge', [example], { env, port, cores: '1', isReady: connected });
}

async function startSmall(file, { cores, settles, samples, more }) {
  const port = await freePort();
  const env = { PATH: process.env.PATH, NODE_ENV: 'production', PORT: String(port), ...more };
  const name = file.replace('.mjs', '');
  return launch(name, [...flags(settles), ...stackSampling(samples), join(here, file)], {
    env,
    port,
    cores,
    isReady: (log) => log().includes('ready'),
  });
}

/** A load process. The one that takes the time of urgent events goes `first` on its core. */
export const startLoad = (how) => startAsked('load.mjs', how);

/** The push providers, on the core of the load: what they take is not the server's. */
export const startFakeProviders = () => startAsked('fake-push-providers.mjs', { first: true });

/** The providers' bare libraries, where the server would be. */
export const startBarePush = () => startAsked('bare-push.mjs', { cores: '0' });

/** One device (one-client.mjs), on the core of the load. */
export const startOneClient = () => startAsked('one-client.mjs');

/** A process that does what it is asked: `ask(name, of)`. */
async function startAsked(file, { cores = '1', first = false } = {}) {
  const name = file.replace('.mjs', '');
  const waiting = new Map();
  let lastId = 0;
  let isUp = false;
  const asked = await launch(name, [join(here, file)], {
    env: process.env,
    cores,
    ipc: (child) =>
      child.on('message', ({ id, ready, result, error }) => {
        isUp ||= ready === true;
        const waiter = waiting.get(id);
        waiting.delete(id);
        if (error !== undefined) waiter?.reject(new Error(error));
        else waiter?.resolve(result);
      }),
    isReady: () => isUp,
  });
  void asked.exited.then(() => {
    for (const { reject } of waiting.values()) reject(new Error(`${name} ended:\n${asked.log()}`));
  });
  if (first) prefer([asked.pid], FIRST);
  const ask = (what, of) =>
    new Promise((resolve, reject) => {
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      asked.child.send({ id: lastId, ask: what, of });
    });
  return { ...asked, ask };
}

export async function stopAll() {
  await Promise.all([...running].map((server) => server.stop()));
  rmSync(logs, { recursive: true, force: true });
}

const flags = (settles) => (settles ? ['--expose-gc', '--import', join(here, 'gc-on-signal.mjs')] : []);

async function launch(name, args, { env, port, cores = '0', isReady, ipc }) {
  const file = join(logs, `${name}-${Date.now()}-${Math.random().toString(36).slice(2, 6)}.log`);
  const output = openSync(file, 'w');
  const command = [process.execPath, ...args];
  const pinned = hasTaskset ? ['taskset', '-c', cores, ...command] : command;
  const stdio = ['ignore', output, output, ...(ipc ? ['ipc'] : [])];
  const server = startServer(pinned[0], pinned.slice(1), { env, stdio });
  ipc?.(server.child);
  if (isUrgent) prefer([server.pid], NICE);
  const log = () => readFileSync(file, 'utf8');
  const stop = async () => {
    running.delete(one);
    await stopServer(server, [
      ['SIGTERM', ipc ? 200 : 10_000],
      ['SIGKILL', 3_000],
    ]);
  };
  const one = { ...server, port, log, stop };
  running.add(one);
  for (const deadline = Date.now() + READY_WITHIN_MS; !(await isReady(log)); await pause(30)) {
    if (!server.isRunning() || Date.now() > deadline) {
      await stop();
      throw new Error(`${name} did not start:\n${log().slice(-2_000)}`);
    }
  }
  return one;
}

function answers(port) {
  return fetch(`http://127.0.0.1:${port}/health/ready`).then(
    (response) => response.ok,
    () => false,
  );
}
