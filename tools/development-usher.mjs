/* A development Usher as a process of its own, for what is tried out against a live one. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { project } from './places.mjs';
import { startServer, stopServer } from './processes.mjs';

const READY_WITHIN_MS = 120_000;

/** The keys that nodes and clients of one installation need, made by chance. */
export function makeSecrets() {
  return {
    ADMIN_KEY: `usher_test_${randomBytes(24).toString('base64url')}`,
    AUTH_JWT_SECRET: randomBytes(48).toString('base64url'),
    STANDARD_WEBHOOK_SECRET: `whsec_${randomBytes(32).toString('base64')}`,
  };
}

/** Starts a node on this port and waits until it is ready. `settings` are databases, secrets and more variables of its environment. */
export async function startDevelopmentUsher({ port, settings }) {
  const url = `http://127.0.0.1:${port}`;
  const server = startServer(process.execPath, [join(project, 'dist', 'usher-demo.js')], {
    cwd: project,
    env: {
      ...process.env,
      NODE_ENV: 'development',
      HOST: '127.0.0.1',
      PORT: String(port),
      LOG_LEVEL: 'warn',
      DRAIN_SECONDS: '1',
      ...settings,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const stop = () =>
    stopServer(server, [
      ['SIGTERM', 15_000],
      ['SIGKILL', 5_000],
    ]);
  /** Ends it as a crash would. Resolves when it is gone. */
  const kill = () => stopServer(server, [['SIGKILL', 5_000]]);
  try {
    await untilReady(url, server);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop, kill };
}

async function untilReady(url, server) {
  for (const deadline = Date.now() + READY_WITHIN_MS; Date.now() < deadline; await sleep(50)) {
    if (!server.isRunning()) throw new Error('The Usher for the clients ended before it was ready.');
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2_000) }).catch(
      () => null,
    );
    await response?.body?.cancel();
    if (response?.status === 200) return;
  }
  throw new Error(`The Usher for the clients was not ready after ${READY_WITHIN_MS / 1000} s.`);
}
