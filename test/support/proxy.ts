import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { freePort } from './ports.js';

/**
 * What a wire does: pass; say nothing more (no FIN either); be cut; or be read by nobody, so that the sender's buffers fill, until
 * it is open again.
 */
export type WireState = 'open' | 'black-hole' | 'cut' | 'unread';

/** A TCP proxy of one node's own for one dependency, that a test can break. */
export interface FaultProxy {
  readonly port: number;
  set(state: WireState): void;
  close(): Promise<void>;
}

export async function faultProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  const port = await freePort();
  const sockets = new Set<Socket>();
  let state: WireState = 'open';
  const server: Server = createServer((near) => {
    if (state === 'cut') return void near.destroy();
    const far = createConnection(target);
    const relay = (from: Socket, to: Socket) => {
      sockets.add(from);
      from.on('data', (data) => {
        if (state === 'open') to.write(data);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        // In a black hole the other side never learns that this one went.
        if (state !== 'black-hole') to.destroy();
      });
    };
    relay(near, far);
    relay(far, near);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const drop = () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return {
    port,
    set(next) {
      // What was swallowed cannot be un-swallowed: leaving a black hole, or a cut, ends the connections.
      if (next === 'cut' || (state === 'black-hole' && next === 'open')) drop();
      for (const socket of sockets) {
        if (next === 'unread') socket.pause();
        else socket.resume();
      }
      state = next;
    },
    async close() {
      drop();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
