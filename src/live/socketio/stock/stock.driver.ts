import type { Server, Socket } from 'socket.io';
import type { TokenBucket } from '../../../platform/rate-limits/token-bucket.js';
import type { Transport } from '../../connection/transport.js';
import { FrameRateLimiter } from '../frame-rate-limiter.js';
import { type Engine, NO_HANDLERS, type PacketHandlers, type SocketDriver } from '../socket-driver.js';
import { StockTransport } from './stock.transport.js';

/** Uses nothing but what Socket.IO and Engine.IO document. What that cannot keep is listed in docs/decisions/frames-made-once.md. */
export class StockDriver implements SocketDriver {
  private readonly limiter = new FrameRateLimiter((engine) => engine.close(true));

  private handlers: PacketHandlers = NO_HANDLERS;

  serve(server: Server, handlers: PacketHandlers): void {
    this.handlers = handlers;
    server.engine.on('connection', (engine: Engine) => this.limiter.watch(engine));
  }

  useBucket(socket: Socket, bucket: TokenBucket): void {
    this.limiter.useBucket(socket.conn, bucket);
  }

  writeTogether(): void {
    // Nothing public reaches the TCP socket.
  }

  open(socket: Socket): Transport {
    return new StockTransport(socket, this.handlers);
  }

  releaseHandshake(): void {
    // Socket.IO keeps the request and its headers for as long as the socket lives.
  }

  endAbandoned(engine: Engine): void {
    engine.close(true);
  }
}
