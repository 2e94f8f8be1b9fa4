import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { TokenBucket } from '../../platform/rate-limits/token-bucket.js';
import { MAX_RATE_DEBT } from '../connection/connection.js';
import type { Engine } from './socket-driver.js';

/** Frames before a device was admitted: its handshake, and retries of it. */
const ANONYMOUS_PER_SECOND = 1;
const ANONYMOUS_BURST = 20;
/** The first character of Socket.IO's packets: an event, an acknowledgement. */
const PACKET_EVENT = '2';
const PACKET_ACK = '3';
/** The types of Socket.IO's packets with binary attachments: BINARY_EVENT and BINARY_ACK. */
const BINARY_TYPES = new Set(['5', '6']);

/** A packet of Engine.IO; the packets of Socket.IO are the data of its messages. */
interface EnginePacket {
  readonly type: string;
  readonly data?: unknown;
}

/**
 * Counts the frames of a connection that are neither events nor acknowledgements (pongs, second handshakes, packets that
 * nobody reads) and terminates one that floods. Events and acknowledgements count towards the same bucket in
 * CommandDispatcherService. The listener is the same function for all connections: closures for each would cost memory.
 */
export class FrameRateLimiter {
  private readonly buckets = new WeakMap<object, TokenBucket>();
  private readonly onPacket: (this: Engine, packet: EnginePacket) => void;

  /** `terminate` frees a connection at once. */
  constructor(private readonly terminate: (engine: Engine) => void) {
    const check = (engine: Engine, packet: EnginePacket) => this.check(engine, packet);
    this.onPacket = function (packet) {
      check(this, packet);
    };
  }

  /** Counts the frames of a new connection from now on. */
  watch(engine: Engine): void {
    engine.on('packet', this.onPacket);
  }

  /** The connection's frames count towards its device's bucket from now on. */
  useBucket(engine: Engine, bucket: TokenBucket): void {
    this.buckets.set(engine, bucket);
  }

  /** Counts one frame of the connection; calls `onExceeded` when it floods. */
  count(connection: object, onExceeded: () => void): void {
    const now = monotonicNow();
    const bucket =
      this.buckets.get(connection) ??
      new TokenBucket(ANONYMOUS_PER_SECOND, ANONYMOUS_BURST, now, MAX_RATE_DEBT + 1);
    this.buckets.set(connection, bucket);
    bucket.take(now);
    if (bucket.deficit > MAX_RATE_DEBT) onExceeded();
  }

  private check(engine: Engine, { type, data }: EnginePacket): void {
    const packetType = type === 'message' && typeof data === 'string' ? data[0] : undefined;
    if (packetType === PACKET_EVENT || packetType === PACKET_ACK) return;
    const isBinary = type === 'message' && (packetType === undefined || BINARY_TYPES.has(packetType));
    // No app sends binary, and Socket.IO would wait for announced attachments that never come.
    if (isBinary) this.terminate(engine);
    else this.count(engine, () => this.terminate(engine));
  }
}
