/*
 * `npm start`: databases, schema, server, and then, once the server is ready, what a newcomer needs to see. It stays until
 * Ctrl-C or SIGTERM and then stops all of it in reverse order. The terminal sends Ctrl-C to every process of the foreground
 * and npm sends it again; therefore the server is in a group of its own, and a signal within a second of the first is the
 * same one. (package.json says `exec node …` so that no shell stands between npm and us, which would end before we have.)
 */
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDatabases } from './databases/start.mjs';
import { demoToken, developmentDefaults, isProduction, writeEnvironmentFile } from './development.mjs';
import { migrate } from './migrate.mjs';
import { project, stateFolder } from './places.mjs';
import { whyNot } from './ports.mjs';
import { argumentsOf, parentOf, startServer, stopServer } from './processes.mjs';
import { SERVER_FLAGS } from './server-flags.mjs';

const readyWithin = 30_000; // ms
const never = new Promise(() => {});

/** Gives the exit code: 0 after an orderly stop, 1 when something did not start or ended by itself. */
export async function start() {
  const wish = watchForTheWishToStop();
  const running = []; // what runs, in the order of its start
  const environment = { ...process.env, ...developmentDefaults() };
  try {
    const port = Number(environment.PORT || 3000);
    await freeSoon(port, environment.HOST || undefined);
    const { ended } = await startAll(environment, running, wish);
    await Promise.race([ready(environment, port), ended, wish.toStop]);
    if (!wish.isToStop()) {
      writeEnvironmentFile(environment, addressOf(environment, port));
      announce(environment, port, await consoleLink(environment, port));
    }
    await Promise.race([ended, wish.toStop]);
    return 0;
  } catch (error) {
    console.error(`\n${error.message}`);
    return 1;
  } finally {
    wish.ignoreFurther(running);
    for (const { stop } of running.reverse()) await stop();
  }
}

/** Gives `ended`, which rejects as soon as one of them ends without being asked to. */
async function startAll(environment, running, wish) {
  // Only then, since it makes the log of PostgreSQL longer.
  const postgres = environment.WAREHOUSE === 'on' ? ['wal_level=logical', 'max_slot_wal_keep_size=1GB'] : [];
  const databases = await startDatabases({ folder: stateFolder, environment, postgres });
  running.push({ stop: databases.stop });
  Object.assign(environment, databases.environment);
  const applied = await migrate(environment.DATABASE_URL);
  const whose = databases.own.postgres ? '' : ' of DATABASE_URL';
  if (applied.length > 0) console.log(`Applied ${applied.length} migration(s) to the database${whose}`);
  else if (whose) console.log(`The schema${whose} is up to date`);

  const server = startServer(process.execPath, [...SERVER_FLAGS, join(project, 'dist', 'usher-demo.js')], {
    cwd: project,
    env: environment,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const drainSeconds = Number(environment.DRAIN_SECONDS || 20);
  running.push({
    stop: () =>
      stopServer(server, [
        ['SIGTERM', (drainSeconds + 10) * 1000],
        ['SIGKILL', 5_000],
      ]),
    kill: () => server.child.kill('SIGKILL'),
  });
  const ended = Promise.race(
    Object.entries({ server, ...databases.own }).map(async ([name, one]) => {
      const { code, signal } = one ? await one.exited : await never;
      if (wish.isToStop()) return never;
      throw new Error(
        `The ${name} ended by itself (${signal ?? `exit code ${code}`}); its last words are above. Stopping the rest.`,
      );
    }),
  );
  ended.catch(() => {}); // whoever waits for it hears it
  return { ended };
}

function watchForTheWishToStop() {
  let wanted = null; // when it was first wished
  let running = [];
  let tell;
  const toStop = new Promise((resolve) => (tell = resolve));
  const stop = () => {
    if (wanted !== null && Date.now() - wanted > 1000 && running.length > 0) {
      console.log('Hurrying.');
      for (const { kill } of running.splice(0)) kill?.();
    }
    if (wanted === null) console.log('\nStopping …');
    wanted ??= Date.now();
    tell();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
  // npm killed with -9 cannot pass that on; nobody would be left to stop us.
  const npm = process.env.npm_lifecycle_event ? npmAbove() : undefined;
  const orphaned = setInterval(() => npm !== npmAbove() && wanted === null && stop(), 500);
  if (npm === undefined) clearInterval(orphaned);
  return {
    toStop,
    isToStop: () => wanted !== null,
    ignoreFurther(still) {
      wanted ??= Date.now();
      running = [...still];
      clearInterval(orphaned);
    },
  };
}

// npm runs a script through a shell, which either becomes the script or stays between the two.
function npmAbove() {
  return argumentsOf(process.ppid)[1] === '-c' ? parentOf(process.ppid) : process.ppid;
}

// A run that was killed a moment ago may still hold the port.
async function freeSoon(port, host) {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return; // the server says what is wrong with it
  for (const deadline = Date.now() + 3000; ; await sleep(100)) {
    const reason = await whyNot(port, host);
    if (reason === null) return;
    if (reason === 'EACCES')
      throw new Error(`This account may not open port ${port}. Choose another: PORT=3000 npm start`);
    if (reason !== 'EADDRINUSE') return;
    if (Date.now() > deadline) {
      throw new Error(
        `Port ${port} is taken by another program. Stop that one, or choose another port: PORT=${port + 1} npm start`,
      );
    }
  }
}

async function ready(environment, port) {
  const url = new URL(`${addressOf(environment, port)}/health/ready`);
  for (const deadline = Date.now() + readyWithin; Date.now() < deadline; await sleep(50)) {
    if ((await status(url)) === 200) return;
  }
  throw new Error(
    `The server was not ready after ${readyWithin / 1000} s (${url.pathname} answered ${await status(url)}). Stopping.`,
  );
}

function addressOf({ HOST: host }, port) {
  const isAny = !host || host === '0.0.0.0' || host === '::';
  return `http://${isAny ? 'localhost' : host.includes(':') ? `[${host}]` : host}:${port}`;
}

function status(url) {
  return new Promise((resolve) => {
    const request = get(url, { timeout: 2000 }, (response) => resolve(response.resume().statusCode));
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve('nothing'));
  });
}

/** A link that signs in to the console once. Its token is in the fragment, which browsers do not send. */
async function consoleLink(environment, port) {
  const page = `${addressOf(environment, port)}/`;
  if (environment.CONSOLE !== 'on' || isProduction(environment)) return null;
  const headers = { authorization: `Bearer ${environment.ADMIN_KEY}`, 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(5_000);
  const response = await fetch(`${page}v1/console/links`, { method: 'POST', headers, body: '{}', signal });
  if (!response.ok) return `${page}console/`;
  return `${page}console/#${(await response.json()).token}`;
}

function announce(environment, port, link) {
  const page = `${addressOf(environment, port)}/`;
  if (isProduction(environment)) return console.log(`Usher is ready at ${page}`);
  const key = process.env.ADMIN_KEY ? '(yours, from ADMIN_KEY)' : environment.ADMIN_KEY;
  const token = demoToken(environment) ?? '(signed by whoever AUTH_JWKS_URL belongs to)';
  console.log(`
  Usher is ready.

  Page        ${page}
  Docs        ${page}docs/${link === null ? '' : `\n  Console     ${link}\n              (once, within 15 minutes)`}
  Admin key   ${key}
  User token  ${token}
              (user "demo", 30 days)
  Commands    npx usher --help (they find all this in .usher/env)

  Ctrl-C stops everything.
`);
}
