/*
 * A Redis Cluster of real `redis-server` processes on loopback, for tests and measurements: masters that share the slots, and
 * as many replicas as are asked for, the first of the first master. Nothing is kept on disk but the map of the cluster, in a
 * folder of its own, so that a server that was killed can come back as the one it was.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '../ports.mjs';
import { startServer, stopServer } from '../processes.mjs';

const SLOTS = 16_384;
/** A master that is silent this long is replaced, ms. */
const NODE_TIMEOUT = 1_000;
const READY_WITHIN = 15_000; // ms
/** The ports between servers are these plus 10,000; both must exist. */

/** Why there can be no cluster on this machine, or undefined. */
export const noCluster = () =>
  spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0
    ? undefined
    : 'no redis-server on the PATH';

/** Gives `{ url, servers: [{ port, pid, kill(signal), start() }], stop() }`; the masters come first. */
export async function startRedisCluster({ masters = 3, replicas = 0 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'usher-redis-cluster-'));
  const servers = [];
  const stop = async () => {
    await Promise.all(servers.map((server) => server.kill('SIGKILL')));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (let n = 0; n < masters + replicas; n += 1) servers.push(await startOne(folder));
    await introduce(servers, masters);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: servers.map(({ port }) => `redis://127.0.0.1:${port}`).join(','), servers, stop };
}

async function startOne(folder) {
  const port = await freePort();
  // Its default lies 10,000 higher, where outgoing connections take their ports.
  const bus = await freePort();
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: 'no',
    'cluster-enabled': 'yes',
    'cluster-port': bus,
    'cluster-config-file': `nodes-${port}.conf`,
    'cluster-node-timeout': NODE_TIMEOUT,
    // A part that is away takes no other with it.
    'cluster-require-full-coverage': 'no',
    'repl-diskless-sync-delay': 0,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const one = {
    port,
    bus,
    pid: undefined,
    async start() {
      const server = startServer('redis-server', args, { stdio: 'ignore' });
      one.pid = server.pid;
      one.kill = (signal) => stopServer(server, [[signal, 3_000]]);
      await until(`redis-server answers on ${port}`, () => {
        if (!server.isRunning()) throw new Error(`redis-server ended before it answered on ${port}`);
        return ask(port, ['PING']).catch(() => false);
      });
    },
    kill: async () => {},
  };
  await one.start();
  return one;
}

async function introduce(servers, masters) {
  const [first] = servers;
  for (const [index, { port }] of servers.entries()) {
    if (port !== first.port) await ask(port, ['CLUSTER', 'MEET', '127.0.0.1', first.port, first.bus]);
    if (index >= masters) continue;
    const slot = (n) => Math.floor((n * SLOTS) / masters);
    await ask(port, ['CLUSTER', 'ADDSLOTSRANGE', slot(index), slot(index + 1) - 1]);
  }
  await known(servers, servers.length);
  for (const [index, { port }] of servers.slice(masters).entries()) {
    const id = await ask(servers[index % masters].port, ['CLUSTER', 'MYID']);
    await ask(port, ['CLUSTER', 'REPLICATE', id]);
  }
  for (const { port } of servers.slice(masters)) {
    await until('a replica follows', async () =>
      (await ask(port, ['INFO', 'replication'])).includes('master_link_status:up'),
    );
  }
}

/** Every server knows of all, and all slots are taken. */
async function known(servers, count) {
  for (const { port } of servers) {
    await until('the servers found each other', async () => {
      const info = await ask(port, ['CLUSTER', 'INFO']);
      return (
        info.includes('cluster_state:ok') &&
        info.includes(`cluster_known_nodes:${count}`) &&
        info.includes(`cluster_slots_assigned:${SLOTS}`)
      );
    });
  }
}

async function ask(port, [command, ...args]) {
  const redis = new Redis({ port, lazyConnect: true, retryStrategy: null, connectTimeout: 1_000 });
  redis.on('error', () => {});
  try {
    await redis.connect();
    return await redis.call(command, ...args);
  } finally {
    redis.disconnect();
  }
}

async function until(what, look) {
  for (const deadline = Date.now() + READY_WITHIN; !(await look()); await sleep(20)) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
  }
}
