import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../eventually.js';
import { freePort } from './ports.js';

const CONF = new URL('../../../deploy/nginx.conf', import.meta.url);

/** Returns why nginx cannot run on this machine; undefined if it can. */
export const nginxUnavailable = (): string | undefined =>
  spawnSync('nginx', ['-v'], { stdio: 'ignore' }).status === 0 ? undefined : 'no nginx on the PATH';

/** The nodes behind nginx as `host:port`, by their names in deploy/nginx.conf. */
export interface Upstreams {
  readonly 'gateway-1': string;
  readonly 'gateway-2': string;
  readonly worker: string;
}

/** Starts a real nginx with deploy/nginx.conf; only addresses, paths and the load balancing method are replaced. */
export async function startNginx(upstreams: Upstreams, balancing = 'least_conn;') {
  const folder = await mkdtemp(join(tmpdir(), 'usher-nginx-'));
  const port = await freePort();
  let conf = await readFile(CONF, 'utf8');
  for (const [name, address] of Object.entries(upstreams))
    conf = replaced(conf, `server ${name}:3000`, `server ${address}`);
  conf = replaced(conf, 'listen 80;', `listen 127.0.0.1:${port};`);
  conf = replaced(conf, '    least_conn;', `    ${balancing}`);
  conf = replaced(conf, '/dev/stdout', join(folder, 'access.log'));
  // nginx may not run as root here, so its temporary files stay in the folder.
  conf = replaced(conf, 'http {', `http {\n${ofItsOwn(folder)}`);
  await writeFile(join(folder, 'nginx.conf'), `daemon off; pid ${join(folder, 'pid')};\n${conf}`);
  const nginx = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const url = `http://127.0.0.1:${port}`;
  await waitUntilReady(nginx, url);
  return {
    url,
    async stop() {
      if (nginx.exitCode === null) {
        nginx.kill('SIGTERM');
        await once(nginx, 'exit');
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function replaced(conf: string, from: string, to: string): string {
  if (!conf.includes(from)) throw new Error(`deploy/nginx.conf has no "${from}" any more`);
  return conf.replaceAll(from, () => to);
}

const ofItsOwn = (folder: string) =>
  ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `  ${name}_temp_path ${join(folder, name)};`)
    .join('\n');

async function waitUntilReady(nginx: ChildProcess, url: string): Promise<void> {
  let stderr = '';
  nginx.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
  await eventually('nginx responds', () => {
    if (nginx.exitCode !== null) throw new Error(`nginx ended: ${stderr}`);
    return fetch(`${url}/metrics`).then(
      () => true,
      () => false,
    );
  });
}
