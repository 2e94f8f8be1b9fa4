import type { Socket as NetSocket } from 'node:net';
import type { Socket } from 'socket.io';
import type { WebSocket } from 'ws';
import type { Line, OnAck, ProtocolFrame } from './connection.js';
import type { Frame } from './frame.js';

/** What we use of Socket.IO's, Engine.IO's and ws's insides (4.8.3, 6.6, 8.18). Here and nowhere else. */
interface Insides {
  readonly acks: Map<number, OnAck>;
}
interface Transport {
  readonly name: string;
  readonly writable: boolean;
  readonly socket?: WebSocket & { readonly _socket?: NetSocket };
}
interface Engine {
  readonly readyState: string;
  readonly upgrading: boolean;
  readonly writeBuffer: readonly unknown[];
  readonly transport: Transport;
  write(data: string): void;
  request: unknown;
  close(discard?: boolean): void;
}

/**
 * Writes frames to one socket. The frame's bytes go straight to the TCP socket when nothing waits before them, which costs
 * 60 % of Socket.IO's own way; else Engine.IO queues the packet, so that order always holds.
 */
export class Wire implements Line {
  private readonly engine: Engine;

  constructor(private readonly socket: Socket) {
    this.engine = socket.conn as unknown as Engine;
  }

  get buffered(): number {
    return this.tcp?.writableLength ?? 0;
  }

  get owed(): number {
    return (this.socket as unknown as Insides).acks.size;
  }

  expectAck(id: number, onAck: OnAck): boolean {
    (this.socket as unknown as Insides).acks.set(id, onAck);
    return true;
  }

  forgetAck(id: number): void {
    (this.socket as unknown as Insides).acks.delete(id);
  }

  write(frames: readonly Frame[]): void {
    const tcp = this.direct();
    if (!tcp) {
      for (const frame of frames) this.engine.write(frame.packet);
      return;
    }
    const [first] = frames;
    if (frames.length === 1 && first) {
      tcp.write(first.bytes);
      return;
    }
    // One system call for all of them.
    tcp.cork();
    for (const frame of frames) tcp.write(frame.bytes);
    tcp.uncork();
  }

  /** A frame of the protocol itself, by Socket.IO's own way. */
  emit(event: ProtocolFrame, payload: unknown): void {
    this.socket.emit(event, payload);
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
    const ws = this.engine.transport.socket;
    if (ws) ws.terminate();
    else this.engine.close(true);
  }

  /** The TCP socket, if what we write to it now comes after everything that was written before. */
  private direct(): NetSocket | undefined {
    const { transport, writeBuffer, readyState, upgrading } = this.engine;
    const free =
      transport.name === 'websocket' && transport.writable && writeBuffer.length === 0 && !upgrading;
    if (!free || readyState !== 'open') return undefined;
    const ws = transport.socket;
    return ws?.readyState === ws?.OPEN ? this.tcp : undefined;
  }

  private get tcp(): NetSocket | undefined {
    return this.engine.transport.socket?._socket ?? undefined;
  }
}
