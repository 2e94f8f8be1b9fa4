import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { eventually } from '../eventually.js';
import { freePort } from './ports.js';

/** A master, its replica, and one Sentinel, which decides alone. */
export interface RedisSentinel {
  /** The value of REDIS_URL. */
  readonly url: string;
  killMaster(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts them as processes of `redis-server`. Resolves when the Sentinel knows the replica. */
export async function startRedisSentinel(): Promise<RedisSentinel> {
  const folder = await mkdtemp(join(tmpdir(), 'usher-redis-sentinel-'));
  const processes: ChildProcess[] = [];
  const run = (...args: string[]) => {
    const child = spawn('redis-server', args, { stdio: 'ignore', cwd: folder });
    processes.push(child);
    return child;
  };
  const server = (port: number, ...more: string[]) =>
    run('--port', String(port), '--bind', '127.0.0.1', '--save', '', ...more);
  const [first, second, sentinel] = [await freePort(), await freePort(), await freePort()];
  const master = server(first);
  server(second, '--replicaof', `127.0.0.1 ${first}`);
  const lines = [
    `port ${sentinel}`,
    'bind 127.0.0.1',
    `sentinel monitor mymaster 127.0.0.1 ${first} 1`,
    'sentinel down-after-milliseconds mymaster 1000',
    'sentinel failover-timeout mymaster 3000',
  ];
  await writeFile(join(folder, 'sentinel.conf'), `${lines.join('\n')}\n`);
  run('sentinel.conf', '--sentinel');
  await replicaIsKnown(sentinel);
  return {
    url: `redis+sentinel://127.0.0.1:${sentinel}/mymaster`,
    killMaster: () => end(master),
    stop: async () => {
      await Promise.all(processes.map(end));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function replicaIsKnown(port: number): Promise<void> {
  const client = new Redis(port, '127.0.0.1');
  client.on('error', () => undefined);
  const online = async () => {
    const replicas = (await client.call('sentinel', 'replicas', 'mymaster').catch(() => [])) as string[][];
    return replicas.some(
      (one) => one.includes('slave') && one[one.indexOf('master-link-status') + 1] === 'ok',
    );
  };
  await eventually('the Sentinel knows the replica', online, 25_000).finally(() => client.disconnect());
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
