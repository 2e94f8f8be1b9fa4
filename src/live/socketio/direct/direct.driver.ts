import type { Server, Socket } from 'socket.io';
import type { WebSocket } from 'ws';
import type { TokenBucket } from '../../../platform/rate-limits/token-bucket.js';
import type { Transport } from '../../connection/transport.js';
import { FrameRateLimiter } from '../frame-rate-limiter.js';
import { type Engine, NO_HANDLERS, type PacketHandlers, type SocketDriver } from '../socket-driver.js';
import { corkForNow } from '../cork-for-now.js';
import { DirectTransport } from './direct.transport.js';
import {
  endAbandonedPolling,
  engineOf,
  type EngineSocket,
  type EngineTransport,
  insideOf,
  packetReaders,
  releaseHandshake,
  terminateEngine,
} from './socket-io-internals.js';

/** Uses the insides of Socket.IO, Engine.IO and ws, for two fifths to two thirds less CPU (docs/decisions/frames-made-once.md). */
export class DirectDriver implements SocketDriver {
  private readonly limiter = new FrameRateLimiter((engine) => terminateEngine(insideOf(engine)));
  private handlers = NO_HANDLERS;
  /** The same functions for all connections: closures for each would cost memory. */
  private readers = packetReaders(NO_HANDLERS);
  private readonly onUpgrade: (this: EngineSocket, transport: EngineTransport) => void;

  constructor() {
    const { limiter } = this;
    // `ws` replies to each ping, and would keep the replies in memory for a peer that reads none of them.
    const onPing = function (this: WebSocket): void {
      limiter.count(this, () => this.terminate());
    };
    this.onUpgrade = function ({ socket }) {
      socket?.on('ping', onPing);
    };
  }

  serve(server: Server, handlers: PacketHandlers): void {
    this.handlers = handlers;
    this.readers = packetReaders(handlers);
    server.engine.on('connection', (engine: Engine) => {
      this.limiter.watch(engine);
      const inside = insideOf(engine);
      this.onUpgrade.call(inside, inside.transport);
      inside.on('upgrade', this.onUpgrade);
    });
  }

  useBucket(socket: Socket, bucket: TokenBucket): void {
    this.limiter.useBucket(socket.conn, bucket);
  }

  writeTogether(socket: Socket): void {
    const tcp = engineOf(socket).transport.socket?._socket;
    if (tcp) corkForNow(tcp);
  }

  open(socket: Socket): Transport {
    return new DirectTransport(socket, this.handlers, this.readers);
  }

  releaseHandshake(socket: Socket): void {
    releaseHandshake(socket);
  }

  endAbandoned(engine: Engine): void {
    endAbandonedPolling(insideOf(engine));
  }
}
