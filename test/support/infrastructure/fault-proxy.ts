import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { freePort } from './ports.js';

/**
 * `open` passes everything; `black-hole` drops everything, without a FIN; `cut` closes and refuses connections; `unread` reads
 * nothing until it is open again, so that the sender's buffers fill.
 */
export type ProxyState = 'open' | 'black-hole' | 'cut' | 'unread';

/** A request whose reply is to be lost: a part of the request, and whether the reply is complete. */
export interface ReplyToLose {
  readonly request: string;
  readonly isComplete: (reply: Buffer) => boolean;
}

/** A slow line: how many bytes it passes in a second, and how long each is under way, in either direction. */
export interface Line {
  readonly bytesPerSecond: number;
  readonly delayMs: number;
}

/** Where a proxy passes connections to. */
export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
}

/** A TCP proxy between one node and one dependency, which a test can break. */
export interface FaultProxy {
  readonly port: number;
  set(state: ProxyState): void;
  /** New connections are passed to this target from now on. */
  pointTo(target: ProxyTarget): void;
  /** Lets the next such request through, drops its reply and closes its connection. Resolves when that happened. */
  loseReply(reply: ReplyToLose): Promise<void>;
  close(): Promise<void>;
}

interface PendingLoss {
  readonly reply: ReplyToLose;
  readonly resolve: () => void;
}

/** How much of what it has read a slow line keeps, as a phone's radio does, before the sender must wait. */
const LINE_BUFFER_BYTES = 32 * 1024;
const LINE_TICK_MS = 20;

/** Returns the function that sends bytes from one socket to another over the line. Without a line they pass at once. */
function sender(from: Socket, to: Socket, line: Line | undefined): (data: Buffer) => void {
  if (!line) return (data) => void to.write(data);
  let queue = Buffer.alloc(0);
  const perTick = Math.ceil((line.bytesPerSecond * LINE_TICK_MS) / 1_000);
  const tick = setInterval(() => {
    const data = queue.subarray(0, perTick);
    queue = queue.subarray(perTick);
    if (queue.length < LINE_BUFFER_BYTES && from.isPaused()) from.resume();
    if (data.length > 0) setTimeout(() => to.destroyed || to.write(data), line.delayMs);
  }, LINE_TICK_MS);
  for (const socket of [from, to]) socket.once('close', () => clearInterval(tick));
  return (data) => {
    queue = Buffer.concat([queue, data]);
    if (queue.length >= LINE_BUFFER_BYTES) from.pause();
  };
}

/** Starts a proxy in front of the target; with a `line`, everything passes over that. */
export async function faultProxy(first: ProxyTarget, line?: Line): Promise<FaultProxy> {
  let target = first;
  const port = await freePort();
  const sockets = new Set<Socket>();
  let state: ProxyState = 'open';
  let pending: PendingLoss | undefined;
  // Small messages that follow each other would wait 40 ms for a delayed acknowledgement (Nagle).
  const server: Server = createServer({ noDelay: true }, (near) => {
    if (state === 'cut') return void near.destroy();
    const far = createConnection({ ...target, noDelay: true });
    const toFar = sender(near, far, line);
    const toNear = sender(far, near, line);
    let losing: PendingLoss | undefined;
    const end = (from: Socket, to: Socket) => {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        // In a black hole the other side never learns that this side closed.
        if (state !== 'black-hole') to.destroy();
      });
    };
    near.on('data', (data) => {
      if (state !== 'open') return;
      if (pending && data.includes(pending.reply.request)) {
        losing = pending;
        pending = undefined;
      }
      toFar(data);
    });
    far.on('data', (data) => {
      if (state !== 'open') return;
      if (!losing) return toNear(data);
      if (!losing.reply.isComplete(data)) return;
      near.destroy();
      losing.resolve();
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
      // The bytes of a black hole are lost, so its connections cannot go on.
      if (next === 'cut' || (state === 'black-hole' && next === 'open')) drop();
      for (const socket of sockets) {
        if (next === 'unread') socket.pause();
        else socket.resume();
      }
      state = next;
    },
    pointTo: (next) => void (target = next),
    loseReply: (reply) => new Promise((resolve) => (pending = { reply, resolve })),
    async close() {
      drop();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Starts a proxy in front of a database, over a `line` if there is one. Returns it with the URL that leads through it. */
export async function proxyDatabase(
  target: string,
  line?: Line,
): Promise<{ proxy: FaultProxy; url: string }> {
  const url = new URL(target);
  const proxy = await faultProxy({ host: url.hostname, port: Number(url.port) }, line);
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  return { proxy, url: url.href };
}
