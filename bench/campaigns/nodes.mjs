/* Processes of Usher (dist/usher.js) that are killed. */
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../tools/ports.mjs';
import { startServer, stopServer } from '../../tools/processes.mjs';
import { SERVER_FLAGS } from '../../tools/server-flags.mjs';
import { CONTACT_KEY } from './advent.mjs';

export const READY_WITHIN_MS = 30_000;
const CALL_WITHIN_MS = 10_000;
const POLL_MS = 50;
const ADMIN_KEY = 'usher_bench_admin_key_0123456789';
/** Signs the tokens of users. */
export const JWT_SECRET = 'of a pretend campaign, and of no use after it';
const bundle = fileURLToPath(new URL('../../dist/usher.js', import.meta.url));

/** Starts a node, and waits until it is ready. `call(method, path, body, token)` rejects unless it succeeds, and resolves with what is returned. */
export async function startNode(databaseUrl, roles, environment) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = startServer(process.execPath, [...SERVER_FLAGS, bundle], {
    env: {
      PATH: process.env.PATH,
      AUTH_JWT_SECRET: JWT_SECRET,
      LOG_LEVEL: 'fatal',
      CAMPAIGN_MEMBERS_PER_SECOND: '1000000',
      ACK_TIMEOUT_SECONDS: '1',
      ...environment,
      ADMIN_KEY,
      CONTACT_KEY,
      NODE_ENV: 'test',
      ROLES: roles,
      HOST: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: databaseUrl,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const isReady = async () => {
    if (!server.isRunning()) throw new Error(`a node (${roles}) ended at boot`);
    return fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  };
  await until(`a node (${roles}) is ready`, isReady, READY_WITHIN_MS);
  return {
    url,
    ended: server.exited,
    kill: () => void server.child.kill('SIGKILL'),
    stop: () =>
      stopServer(server, [
        ['SIGTERM', 15_000],
        ['SIGKILL', 5_000],
      ]),
    call: (method, path, body, token = ADMIN_KEY) => call(`${url}${path}`, { method, body, token }),
  };
}

async function call(url, { method, body, token }) {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'usher-reason': 'a bench',
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(CALL_WITHIN_MS),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${new URL(url).pathname}: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

/** What was waited for did not come. */
export class NotInTime extends Error {}

/** Waits until it is so. Rejects with NotInTime when it is not within the time. */
export async function until(what, isSo, withinMs) {
  for (const deadline = Date.now() + withinMs; Date.now() < deadline; await pause(POLL_MS))
    if (await isSo()) return;
  throw new NotInTime(`not within ${withinMs / 1_000} s: ${what}`);
}
