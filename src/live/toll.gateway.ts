import type { WebSocket } from 'ws';
import { TokenBucket } from './token-bucket.js';

/** What a line may send before anyone knows who is on it: its handshake. */
const STRANGERS_PER_SECOND = 1;
const STRANGERS_BURST = 20;
/** A line this many frames over its limit is not a device of ours. */
export const MAX_DEBT = 99;

/** Socket.IO's packet types, as the first character of a message. */
const EVENT = '2';
const ACK = '3';
const BINARY = new Set(['5', '6']);

interface Packet {
  readonly type: string;
  readonly data?: unknown;
}
interface Transport {
  readonly socket?: WebSocket;
}
/** What we use of Engine.IO's socket (6.6). */
export interface Conn {
  readonly transport: Transport;
  on(event: 'packet', heed: (this: Conn, packet: Packet) => void): unknown;
  on(event: 'upgrade', heed: (this: Conn, transport: Transport) => void): unknown;
  close(discard?: boolean): void;
}

/**
 * Every frame is paid for, not only those that ask for something: pongs, second handshakes, packets that nobody reads. Events
 * are counted where they are carried out, and acknowledgements that nobody waits for where they are found to be such.
 * The listeners are one function for all lines, since a closure a line costs memory.
 */
export class Toll {
  private readonly purses = new WeakMap<object, TokenBucket>();
  private readonly heed: (this: Conn, packet: Packet) => void;
  private readonly pinged: (this: WebSocket) => void;
  private readonly follow: (this: Conn, transport: Transport) => void;

  constructor() {
    const check = (conn: Conn, packet: Packet) => this.check(conn, packet);
    const ping = (socket: WebSocket) => this.pay(socket, () => socket.terminate());
    const watch = (transport: Transport) => void transport.socket?.on('ping', this.pinged);
    this.heed = function (this: Conn, packet: Packet) {
      check(this, packet);
    };
    // `ws` answers each ping, and a peer that reads none of the answers would have them kept for it.
    this.pinged = function (this: WebSocket) {
      ping(this);
    };
    this.follow = function (this: Conn, transport: Transport) {
      watch(transport);
    };
  }

  watch(conn: Conn): void {
    conn.on('packet', this.heed);
    conn.on('upgrade', this.follow);
    this.follow.call(conn, conn.transport);
  }

  /** From now on the line pays as the device that is on it. */
  known(conn: object, purse: TokenBucket): void {
    this.purses.set(conn, purse);
  }

  private check(conn: Conn, { type, data }: Packet): void {
    const kind = type === 'message' && typeof data === 'string' ? data[0] : undefined;
    if (kind === EVENT || kind === ACK) return;
    const isBinary = type === 'message' && (kind === undefined || BINARY.has(kind));
    // Nobody here speaks binary, and announced attachments that never come would be waited for.
    if (isBinary) hangUp(conn);
    else this.pay(conn, () => hangUp(conn));
  }

  private pay(line: object, onBroke: () => void): void {
    const now = Date.now();
    const purse =
      this.purses.get(line) ?? new TokenBucket(STRANGERS_PER_SECOND, STRANGERS_BURST, now, MAX_DEBT + 1);
    this.purses.set(line, purse);
    purse.take(now);
    if (purse.debt > MAX_DEBT) onBroke();
  }
}

function hangUp(conn: Conn): void {
  const { socket } = conn.transport;
  if (socket) socket.terminate();
  else conn.close(true);
}
