import type { Socket as TcpSocket } from 'node:net';
import type { Socket } from 'socket.io';
import type { WebSocket } from 'ws';
import type { EventFrame, Frame } from '../../connection/frame.js';
import type { ControlFrame, Transport } from '../../connection/transport.js';
import type { PacketHandlers } from '../socket-driver.js';
import { frameBytes, packetText } from './frame-encoding.js';
import {
  engineOf,
  type EngineSocket,
  type EngineTransport,
  type PacketReaders,
  readPackets,
  replacePacketHandlers,
  terminateEngine,
} from './socket-io-internals.js';

const NONE: readonly never[] = [];

/**
 * Writes frames to one Socket.IO socket. A frame's bytes go straight to the TCP socket when nothing waits before them,
 * which costs 60 % of the CPU of `socket.emit`; else Engine.IO queues the packet. Either way frames keep their order.
 */
export class DirectTransport implements Transport {
  readonly acknowledges = true;
  private readonly engine: EngineSocket;
  /** The transport that `ws` and `tcp` belong to; an upgrade from polling replaces it. */
  private engineTransport: EngineTransport | undefined;
  private ws: WebSocket | undefined;
  private tcp: TcpSocket | undefined;
  /** Characters given to Engine.IO's queue since it was empty last. */
  private queuedChars = 0;
  /** Whether the last write filled the TCP socket's buffer (16 KiB): only then are its bytes worth counting. */
  private isBehind = false;

  /**
   * From now on `handlers` get what the device sends. They are one pair for all sockets: closures for each would cost
   * memory.
   */
  constructor(
    private readonly socket: Socket,
    handlers: PacketHandlers,
    private readonly readers: PacketReaders,
  ) {
    this.engine = engineOf(socket);
    this.resolveEngineTransport();
    replacePacketHandlers(socket, handlers);
  }

  /** Also counts Engine.IO's queue: everything waits there behind a ping that a device does not read. */
  get bufferedBytes(): number {
    // Mostly so; what is read below is in objects that a write does not touch, each a miss of the processor's cache.
    if (this.queuedChars === 0 && !this.isBehind) return 0;
    const queued = this.engine.writeBuffer.length === 0 ? 0 : this.queuedChars;
    return this.isBehind && this.tcp ? this.tcp.writableLength + queued : queued;
  }

  get sentBytes(): number {
    return this.tcp ? this.tcp.bytesWritten - this.tcp.writableLength : 0;
  }

  encode(frame: Frame): void {
    if (this.tcp) frameBytes(frame);
  }

  write(events: readonly EventFrame[], responses: readonly Frame[] = NONE): void {
    const tcp = this.directSocket();
    if (!tcp) {
      for (const response of responses) this.queue(packetText(response));
      for (const event of events) this.queue(packetText(event));
      return;
    }
    const only = events.length + responses.length === 1 ? (events[0] ?? responses[0]) : undefined;
    if (only) {
      this.isBehind = !tcp.write(frameBytes(only));
      return;
    }
    // One system call for all of them.
    tcp.cork();
    for (const response of responses) tcp.write(frameBytes(response));
    for (const event of events) tcp.write(frameBytes(event));
    tcp.uncork();
    this.isBehind = tcp.writableNeedDrain;
  }

  emit(frame: ControlFrame, payload: unknown, ackId?: number): void {
    const body = JSON.stringify([frame, payload]);
    this.write(NONE, [{ kind: 'event', ackId, body, encoded: undefined }]);
  }

  disconnect(): void {
    this.socket.disconnect(true);
  }

  terminate(): void {
    terminateEngine(this.engine);
  }

  private queue(packet: string): void {
    const { engine } = this;
    this.queuedChars = (engine.writeBuffer.length === 0 ? 0 : this.queuedChars) + packet.length;
    engine.write(packet);
  }

  /**
   * Returns the TCP socket if what is written to it now comes after everything that was written before: what Engine.IO has taken from its queue is
   * in the TCP socket already, since nothing is compressed.
   */
  private directSocket(): TcpSocket | undefined {
    const { engine } = this;
    if (engine.transport !== this.engineTransport) this.resolveEngineTransport();
    const { ws } = this;
    if (!ws || engine.writeBuffer.length > 0 || engine.upgrading) return undefined;
    return engine.readyState === 'open' && ws.readyState === ws.OPEN ? this.tcp : undefined;
  }

  /** Remembers the sockets below the engine, and reads what comes from them: following the chain at every write costs more than the checks of the write. */
  private resolveEngineTransport(): void {
    this.engineTransport = this.engine.transport;
    const ws = this.engineTransport.name === 'websocket' ? this.engineTransport.socket : undefined;
    this.ws = ws;
    this.tcp = ws?._socket ?? undefined;
    if (ws) readPackets(this.engineTransport, this.socket, this.readers);
  }
}
