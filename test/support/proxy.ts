import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { freePort } from './ports.js';

/** What the wire between a node and what it depends on does: pass, say nothing more (no FIN either), or be cut. */
export type WireState = 'open' | 'black-hole' | 'cut';

/** A TCP proxy of one node's own for one dependency, that a test can break. */
export interface FaultProxy {
  readonly port: number;
  set(state: WireState): void;
  close(): Promise<void>;
}

export async function faultProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  const port = await freePort();
  const pairs = new Set<readonly [Socket, Socket]>();
  /** Ends whose other end went while the hole was black. */
  const orphans = new Set<Socket>();
  let state: WireState = 'open';
  const server: Server = createServer((near) => {
    if (state === 'cut') return void near.destroy();
    const far = createConnection(target);
    const pair = [near, far] as const;
    pairs.add(pair);
    const relay = (from: Socket, to: Socket) => {
      from.on('data', (data) => {
        if (state === 'open') to.write(data);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        pairs.delete(pair);
        // In a black hole the other side never learns that this one went.
        if (state === 'black-hole') orphans.add(to);
        else to.destroy();
      });
    };
    relay(near, far);
    relay(far, near);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const drop = () => {
    for (const [near, far] of pairs) {
      near.destroy();
      far.destroy();
    }
    pairs.clear();
    for (const orphan of orphans) orphan.destroy();
    orphans.clear();
  };
  return {
    port,
    set(next) {
      // What was swallowed cannot be un-swallowed: leaving a black hole, or a cut, ends the connections.
      if (next === 'cut' || (state === 'black-hole' && next === 'open')) drop();
      state = next;
    },
    async close() {
      drop();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
