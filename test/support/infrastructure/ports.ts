import { connect, createServer } from 'node:net';

/** Ports of one Jest worker, below the ephemeral range, so that no outgoing connection takes one while a server restarts. */
const PORTS = 2_500;
const FIRST = 20_000 + (Number(process.env.JEST_WORKER_ID ?? 1) % 4) * PORTS;
/** A server begins to listen some time after it was given its port, which nobody else must be given meanwhile. */
const given = new Set<number>();

/** Returns a free port that no other test of this or another worker gets. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * PORTS);
    if (given.has(port)) continue;
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!free) continue;
    given.add(port);
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/** Returns whether anybody listens on the port of this machine. */
export const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
