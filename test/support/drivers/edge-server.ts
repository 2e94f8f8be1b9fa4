import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { eventually } from '../eventually.js';
import { freePort } from '../infrastructure/ports.js';

const SERVER = fileURLToPath(new URL('../../../clients/edge/example/server.mjs', import.meta.url));

/** The example server of `clients/edge` as a process: an edge node that really sends bytes. */
export interface EdgeServer {
  readonly url: string;
  /** Starts a player that sends this lease. */
  play(lease: string): Promise<Player>;
  /** Returns what nginx's auth_request would get: the status and the newest lease. */
  check(lease: string): Promise<{ status: number; lease: string | null }>;
  stop(): Promise<void>;
}

export interface Player {
  readonly status: number;
  readonly bytes: number;
  /** When the last byte arrived, in ms since the epoch. */
  readonly lastByteAt: number;
  /** When the response ended, in ms since the epoch; undefined while it goes on. */
  readonly cutOffAt: number | undefined;
  stop(): void;
}

/** Starts the example server and returns when it is connected to Usher. */
export async function startEdgeServer(usherUrl: string, key: string, edgeId: string): Promise<EdgeServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [SERVER], {
    env: { USHER_URL: usherUrl, USHER_EDGE_KEY: key, EDGE_ID: edgeId, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => log.push(String(data)));
  await eventually('the edge node is connected', async () => {
    if (child.exitCode !== null) throw new Error(`the edge node ended:\n${log.join('')}`);
    const health = await fetch(`${url}/health`).then(
      (response) => response.json() as Promise<{ connected: boolean }>,
      () => undefined,
    );
    return health?.connected;
  });
  const players: Player[] = [];
  return {
    url,
    async play(lease) {
      const one = await play(url, lease);
      players.push(one);
      return one;
    },
    async check(lease) {
      const response = await fetch(`${url}/check`, { headers: { authorization: `Bearer ${lease}` } });
      await response.arrayBuffer();
      return { status: response.status, lease: response.headers.get('usher-lease') };
    },
    async stop() {
      for (const one of players) one.stop();
      if (child.exitCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

async function play(url: string, lease: string): Promise<Player> {
  const stopping = new AbortController();
  const response = await fetch(`${url}/video/dark`, {
    headers: { authorization: `Bearer ${lease}` },
    signal: stopping.signal,
  });
  const player = {
    status: response.status,
    bytes: 0,
    lastByteAt: 0,
    cutOffAt: undefined as number | undefined,
    stop: () => stopping.abort(),
  };
  const watch = async () => {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      player.bytes += chunk.length;
      player.lastByteAt = Date.now();
    }
  };
  void watch()
    .catch(() => undefined)
    .finally(() => (player.cutOffAt = Date.now()));
  return player;
}
