/*
 * `npm run test:clients [-- <client> …]`: every client library under clients/, against one live development Usher with databases of its own that are
 * thrown away. The web and edge clients run by Jest; every other one has an executable `test.sh` in its folder, which exits with 0
 * (green), 1 (red), or 77 after one line that says which toolchain is missing (skipped). A line each at the end; what a red one said is shown.
 * Ctrl-C and SIGTERM end the client that runs, leave the others out, and still stop the server and the databases in order.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeSecrets, startDevelopmentUsher } from './development-usher.mjs';
import { watchForInterruption } from './interruption.mjs';
import { migrate } from './migrate.mjs';
import { project } from './places.mjs';
import { freePort } from './ports.mjs';
import { isProgram, startServer } from './processes.mjs';
import { jest, withDatabases } from './test.mjs';

const SKIPPED = 77;
/** The first run of a client downloads what it depends on. */
const CLIENT_WITHIN_MS = 15 * 60_000;
const MAX_OUTPUT = 200_000; // characters of each client; what is older is forgotten

/** Returns the exit code: 0 unless a client is red, or one that is named does not exist. */
export async function testClients(names) {
  const clients = findClients();
  const unknown = names.filter((name) => !clients.some((client) => client.name === name));
  if (unknown.length > 0) {
    console.error(
      `No such client: ${unknown.join(', ')}. There are ${clients.map(({ name }) => name).join(', ')}.`,
    );
    return 1;
  }
  const chosen = clients.filter(({ name }) => names.length === 0 || names.includes(name));
  const interruption = watchForInterruption();
  try {
    return await withDatabases({ purpose: 'clients', durable: false }, async ({ environment }) => {
      const usher = await startUsher(environment);
      try {
        return await runAll(chosen, { ...environment, ...usher.environment }, interruption);
      } finally {
        await usher.stop();
      }
    });
  } finally {
    interruption.stop();
  }
}

/** One after the other: each measures times of its own, and the machine may be small. */
async function runAll(clients, environment, interruption) {
  const lines = [];
  let isRed = false;
  for (const client of clients) {
    if (interruption.exitCode !== undefined) break;
    const started = Date.now();
    const { code, said } = await run(client, environment, interruption);
    if (interruption.exitCode !== undefined) break;
    const outcome = code === 0 ? 'green' : code === SKIPPED ? 'skipped' : 'red';
    isRed ||= outcome === 'red';
    if (outcome === 'red') console.log(`\n${client.name} said:\n${said.trim().replace(/^/gm, '  ')}`);
    const seconds = ((Date.now() - started) / 1000).toFixed(0);
    const why =
      outcome === 'green'
        ? `${seconds} s`
        : outcome === 'skipped'
          ? lastLine(said)
          : `exit code ${code}, ${seconds} s`;
    lines.push(`${outcome.padEnd(8)}${client.name.padEnd(10)}${why}`);
    console.log(lines.at(-1));
  }
  return interruption.exitCode ?? (isRed ? 1 : 0);
}

function findClients() {
  const inNode = [
    { name: 'web', command: process.execPath, args: [...jest, '--silent', '/test/client/(?!edge)'] },
    { name: 'edge', command: process.execPath, args: [...jest, '--silent', '/test/client/edge'] },
  ];
  const folder = join(project, 'clients');
  const others = readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'test.sh')))
    .map((name) => ({ name, command: join(folder, name, 'test.sh'), args: [], cwd: join(folder, name) }));
  return [...inNode, ...others];
}

async function run({ command, args, cwd = project }, environment, interruption) {
  if (!isProgram(command)) return { code: 1, said: `${command} is not executable` };
  const child = startServer(command, args, {
    cwd,
    env: { ...process.env, ...environment, USHER_TEST: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.child.stdout, child.child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => (said = (said + text).slice(-MAX_OUTPUT)));
  }
  const patience = new AbortController();
  const late = sleep(CLIENT_WITHIN_MS, 'late', { signal: patience.signal }).catch(() => {});
  const outcome = await Promise.race([child.exited, late, interruption.happened]);
  patience.abort();
  endGroup(child.pid); // whatever it left behind too
  if (outcome === 'interrupted') return { code: interruption.exitCode, said };
  if (outcome === 'late')
    return { code: 1, said: `${said}\nnot finished after ${CLIENT_WITHIN_MS / 60_000} minutes` };
  return { code: outcome.code ?? 1, said: outcome.error ? String(outcome.error) : said };
}

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing is left of it.
  }
}

/** Starts a development Usher. Returns what its clients need to know in `environment`, and `stop`. */
async function startUsher(databases) {
  await migrate(databases.DATABASE_URL);
  const secrets = makeSecrets();
  const { url, stop } = await startDevelopmentUsher({
    port: await freePort(),
    settings: { ...databases, ...secrets },
  });
  const environment = {
    USHER_URL: url,
    USHER_SERVICE_KEY: secrets.ADMIN_KEY,
    USHER_JWT_SECRET: secrets.AUTH_JWT_SECRET,
  };
  return { stop, environment };
}

function lastLine(text) {
  return text.trim().split('\n').at(-1) || 'no reason given';
}
