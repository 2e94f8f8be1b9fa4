import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { freePort } from './ports.js';

/**
 * What a wire does: pass; say nothing more (no FIN either); be cut; or be read by nobody, so that the sender's buffers fill, until
 * it is open again.
 */
export type ProxyState = 'open' | 'black-hole' | 'cut' | 'unread';

/** A request whose reply never arrives: how to know the request, and when the whole reply is there. */
export interface ReplyToLose {
  readonly request: string;
  readonly replied: (reply: Buffer) => boolean;
}

/** A TCP proxy of one node's own for one dependency, that a test can break. */
export interface FaultProxy {
  readonly port: number;
  set(state: ProxyState): void;
  /** The next such request is carried out, its reply is lost, and so is its connection. Resolves when that happened. */
  loseReply(trap: ReplyToLose): Promise<void>;
  close(): Promise<void>;
}

interface PendingLoss {
  readonly trap: ReplyToLose;
  readonly resolve: () => void;
}

export async function faultProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  const port = await freePort();
  const sockets = new Set<Socket>();
  let state: ProxyState = 'open';
  let set: PendingLoss | undefined;
  const server: Server = createServer((near) => {
    if (state === 'cut') return void near.destroy();
    const far = createConnection(target);
    let sprung: PendingLoss | undefined;
    const end = (from: Socket, to: Socket) => {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        // In a black hole the other side never learns that this one went.
        if (state !== 'black-hole') to.destroy();
      });
    };
    near.on('data', (data) => {
      if (state !== 'open') return;
      if (set && data.includes(set.trap.request)) {
        sprung = set;
        set = undefined;
      }
      far.write(data);
    });
    far.on('data', (data) => {
      if (state !== 'open') return;
      if (!sprung) return void near.write(data);
      if (!sprung.trap.replied(data)) return;
      near.destroy();
      sprung.resolve();
    });
    end(near, far);
    end(far, near);
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
    loseReply: (trap) => new Promise((resolve) => (set = { trap, resolve })),
    async close() {
      drop();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
