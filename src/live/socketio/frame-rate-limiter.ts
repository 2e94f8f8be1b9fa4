import type { WebSocket } from 'ws';
import { TokenBucket } from '../../platform/scheduling/token-bucket.js';

/** What a line may send before anyone knows who is on it: its handshake. */
const STRANGERS_PER_SECOND = 1;
const STRANGERS_BURST = 20;
/** A line this many frames over its limit is not a device of ours. */
export const MAX_RATE_DEBT = 99;

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
export interface EngineConnection {
  readonly transport: Transport;
  on(event: 'packet', heed: (this: EngineConnection, packet: Packet) => void): unknown;
  on(event: 'upgrade', heed: (this: EngineConnection, transport: Transport) => void): unknown;
  close(discard?: boolean): void;
}

/**
 * Every frame is paid for, not only those that ask for something: pongs, second handshakes, packets that nobody reads. Events
 * are counted where they are carried out, and acknowledgements that nobody waits for where they are found to be such.
 * The listeners are one function for all lines, since a closure a line costs memory.
 */
export class FrameRateLimiter {
  private readonly buckets = new WeakMap<object, TokenBucket>();
  private readonly onPacket: (this: EngineConnection, packet: Packet) => void;
  private readonly onPing: (this: WebSocket) => void;
  private readonly onUpgrade: (this: EngineConnection, transport: Transport) => void;

  constructor() {
    const check = (conn: EngineConnection, packet: Packet) => this.check(conn, packet);
    const ping = (socket: WebSocket) => this.charge(socket, () => socket.terminate());
    const watch = (transport: Transport) => void transport.socket?.on('ping', this.onPing);
    this.onPacket = function (this: EngineConnection, packet: Packet) {
      check(this, packet);
    };
    // `ws` answers each ping, and a peer that reads none of the answers would have them kept for it.
    this.onPing = function (this: WebSocket) {
      ping(this);
    };
    this.onUpgrade = function (this: EngineConnection, transport: Transport) {
      watch(transport);
    };
  }

  watch(conn: EngineConnection): void {
    conn.on('packet', this.onPacket);
    conn.on('upgrade', this.onUpgrade);
    this.onUpgrade.call(conn, conn.transport);
  }

  /** From now on the line pays as the device that is on it. */
  useBucketOf(conn: object, purse: TokenBucket): void {
    this.buckets.set(conn, purse);
  }

  private check(conn: EngineConnection, { type, data }: Packet): void {
    const kind = type === 'message' && typeof data === 'string' ? data[0] : undefined;
    if (kind === EVENT || kind === ACK) return;
    const isBinary = type === 'message' && (kind === undefined || BINARY.has(kind));
    // Nobody here speaks binary, and announced attachments that never come would be waited for.
    if (isBinary) hangUp(conn);
    else this.charge(conn, () => hangUp(conn));
  }

  private charge(line: object, onBroke: () => void): void {
    const now = Date.now();
    const purse =
      this.buckets.get(line) ??
      new TokenBucket(STRANGERS_PER_SECOND, STRANGERS_BURST, now, MAX_RATE_DEBT + 1);
    this.buckets.set(line, purse);
    purse.take(now);
    if (purse.deficit > MAX_RATE_DEBT) onBroke();
  }
}

function hangUp(conn: EngineConnection): void {
  const { socket } = conn.transport;
  if (socket) socket.terminate();
  else conn.close(true);
}
