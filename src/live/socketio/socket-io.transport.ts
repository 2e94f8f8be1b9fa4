import type { Socket as NetSocket } from 'node:net';
import type { Socket } from 'socket.io';
import type { WebSocket } from 'ws';
import type { Transport, OnAck, ControlFrame } from '../connection/transport.js';
import { type Packet, protocolPacket } from '../connection/frame.js';

const NONE: readonly Packet[] = [];

/** What we use of Socket.IO's, Engine.IO's and ws's insides (4.8.3, 6.6, 8.18). Here and in toll.gateway.ts, nowhere else. */
interface Insides {
  readonly acks: Map<number, (this: { readonly data: unknown }, ...args: unknown[]) => void>;
  onevent: OnEvent;
  onack: OnAckPacket;
}

/** What a device sent: `[event, payload]`, with the id that its acknowledgement carries if it wants one. */
export interface IncomingPacket {
  readonly data?: unknown;
  readonly id?: number;
}
/** Take a packet of a socket, which is their `this`. */
export type OnEvent = (this: Socket, asked: IncomingPacket) => void;
export type OnAckPacket = (
  this: Pick<Insides, 'acks'> & { readonly data: unknown },
  packet: { readonly id: number; readonly data: unknown[] },
) => void;

interface EngineTransport {
  readonly name: string;
  readonly writable: boolean;
  readonly socket?: WebSocket & { readonly _socket?: NetSocket };
}
interface Engine {
  readonly readyState: string;
  readonly upgrading: boolean;
  readonly writeBuffer: readonly unknown[];
  readonly transport: EngineTransport;
  write(data: string): void;
  request: unknown;
  close(discard?: boolean): void;
}

/**
 * Writes frames to one socket. The frame's bytes go straight to the TCP socket when nothing waits before them, which costs
 * 60 % of Socket.IO's own way; else Engine.IO queues the packet, so that order always holds.
 */
export class SocketIoTransport implements Transport {
  private readonly engine: Engine;
  /** The transport that `tcp` belongs to: an upgrade from polling brings another one. */
  private transport: EngineTransport | undefined;
  private ws: WebSocket | undefined;
  private tcp: NetSocket | undefined;
  /** Characters given to Engine.IO's queue since it was empty. */
  private queued = 0;
  /** Whether the last write left more behind than a socket's first buffer (16 KiB): only then is it worth to count. */
  private isBehind = false;

  constructor(private readonly socket: Socket) {
    this.engine = socket.conn as unknown as Engine;
    this.resolveTransport();
  }

  /** While a frame of Engine.IO's own (a ping) waits for a peer that reads nothing, everything after it waits in its queue. */
  get bufferedBytes(): number {
    const queued = this.engine.writeBuffer.length === 0 ? 0 : this.queued;
    return this.isBehind && this.tcp ? this.tcp.writableLength + queued : queued;
  }

  get sentBytes(): number {
    return this.tcp ? this.tcp.bytesWritten - this.tcp.writableLength : 0;
  }

  expectAck(id: number, onAck: OnAck): boolean {
    (this.socket as unknown as Insides).acks.set(id, onAck);
    return true;
  }

  forgetAck(id: number): void {
    (this.socket as unknown as Insides).acks.delete(id);
  }

  write(frames: readonly Packet[], answers: readonly Packet[] = NONE): void {
    const tcp = this.direct();
    if (!tcp) {
      for (const { packet } of answers) this.queue(packet);
      for (const { packet } of frames) this.queue(packet);
      return;
    }
    const count = frames.length + answers.length;
    const only = count === 1 ? (frames[0] ?? answers[0]) : undefined;
    if (only) {
      this.isBehind = !tcp.write(only.bytes);
      return;
    }
    // One system call for all of them.
    tcp.cork();
    for (const { bytes } of answers) tcp.write(bytes);
    for (const { bytes } of frames) tcp.write(bytes);
    tcp.uncork();
    this.isBehind = tcp.writableNeedDrain;
  }

  /**
   * Has what the device sends go to `desk` at once, whose functions become the socket's own methods. Socket.IO's way puts two
   * ticks and two closures around each, which is a fifth of a beat's CPU.
   */
  receiveWith({ onEvent, onAck }: { readonly onEvent: OnEvent; readonly onAck: OnAckPacket }): void {
    Object.assign(this.socket as unknown as Insides, { onevent: onEvent, onack: onAck });
  }

  /** A frame of the protocol itself. */
  emit(event: ControlFrame, payload: unknown): void {
    this.write([protocolPacket(event, payload)]);
  }

  /** Socket.IO keeps the HTTP request and its headers for as long as the socket lives; nobody needs them after the handshake. */
  forgetHandshake(): void {
    if (this.engine.transport.name !== 'websocket') return;
    this.engine.request = null;
    (this.socket as { handshake: unknown }).handshake = undefined;
  }

  /** Says goodbye and closes. */
  disconnect(): void {
    this.socket.disconnect(true);
  }

  /** Frees the connection at once, whatever is buffered. Socket.IO's own disconnect would wait for a peer that reads nothing. */
  terminate(): void {
    this.resolveTransport();
    if (this.ws) this.ws.terminate();
    else this.engine.close(true);
  }

  private queue(packet: string): void {
    const { engine } = this;
    this.queued = (engine.writeBuffer.length === 0 ? 0 : this.queued) + packet.length;
    engine.write(packet);
  }

  /** The TCP socket, if what we write to it now comes after everything that was written before. */
  private direct(): NetSocket | undefined {
    const { engine } = this;
    if (engine.transport !== this.transport) this.resolveTransport();
    const { transport, ws } = this;
    if (!ws || !transport?.writable || engine.writeBuffer.length > 0 || engine.upgrading) return undefined;
    return engine.readyState === 'open' && ws.readyState === ws.OPEN ? this.tcp : undefined;
  }

  /** Remembers what lies behind the transport: to walk there at every write costs more than the write's own checks. */
  private resolveTransport(): void {
    this.transport = this.engine.transport;
    const ws = this.transport.name === 'websocket' ? this.transport.socket : undefined;
    this.ws = ws;
    this.tcp = ws?._socket ?? undefined;
  }
}
