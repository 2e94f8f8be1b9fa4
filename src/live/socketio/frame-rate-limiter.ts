import type { WebSocket } from 'ws';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { TokenBucket } from '../../platform/rate-limits/token-bucket.js';
import { MAX_RATE_DEBT } from '../connection/connection.js';
import { PACKET_ACK, PACKET_EVENT } from './frame-encoding.js';
import {
  type EnginePacket,
  type EngineSocket,
  type EngineTransport,
  terminateEngine,
} from './socket-io-internals.js';

/** Frames before a device was admitted: its handshake, and retries of it. */
const ANONYMOUS_PER_SECOND = 1;
const ANONYMOUS_BURST = 20;

/** The types of Socket.IO's packets with binary attachments: BINARY_EVENT and BINARY_ACK. */
const BINARY_TYPES = new Set(['5', '6']);

/**
 * Counts the frames of a connection that are neither events nor acknowledgements (pongs, second handshakes, packets that
 * nobody reads) and terminates one that floods. Events and acknowledgements count towards the same bucket in
 * CommandDispatcherService. The listeners are the same functions for all connections: closures for each would cost memory.
 */
export class FrameRateLimiter {
  private readonly buckets = new WeakMap<object, TokenBucket>();
  private readonly onPacket: (this: EngineSocket, packet: EnginePacket) => void;
  private readonly onPing: (this: WebSocket) => void;
  private readonly onUpgrade: (this: EngineSocket, transport: EngineTransport) => void;

  constructor() {
    const check = (engine: EngineSocket, packet: EnginePacket) => this.check(engine, packet);
    const countPing = (ws: WebSocket) => this.count(ws, () => ws.terminate());
    const watchPings = (transport: EngineTransport) => void transport.socket?.on('ping', this.onPing);
    this.onPacket = function (packet) {
      check(this, packet);
    };
    // `ws` replies to each ping, and would keep the replies in memory for a peer that reads none of them.
    this.onPing = function () {
      countPing(this);
    };
    this.onUpgrade = function (transport) {
      watchPings(transport);
    };
  }

  /** Counts the frames of a new connection from now on. */
  watch(engine: EngineSocket): void {
    engine.on('packet', this.onPacket);
    engine.on('upgrade', this.onUpgrade);
    this.onUpgrade.call(engine, engine.transport);
  }

  /** The connection's frames count towards its device's bucket from now on. */
  useBucket(engine: EngineSocket, bucket: TokenBucket): void {
    this.buckets.set(engine, bucket);
  }

  private check(engine: EngineSocket, { type, data }: EnginePacket): void {
    const packetType = type === 'message' && typeof data === 'string' ? data[0] : undefined;
    if (packetType === PACKET_EVENT || packetType === PACKET_ACK) return;
    const isBinary = type === 'message' && (packetType === undefined || BINARY_TYPES.has(packetType));
    // No app sends binary, and Socket.IO would wait for announced attachments that never come.
    if (isBinary) terminateEngine(engine);
    else this.count(engine, () => terminateEngine(engine));
  }

  private count(connection: object, onExceeded: () => void): void {
    const now = monotonicNow();
    const bucket =
      this.buckets.get(connection) ??
      new TokenBucket(ANONYMOUS_PER_SECOND, ANONYMOUS_BURST, now, MAX_RATE_DEBT + 1);
    this.buckets.set(connection, bucket);
    bucket.take(now);
    if (bucket.deficit > MAX_RATE_DEBT) onExceeded();
  }
}
