import type { Socket as TcpSocket } from 'node:net';
import type { Socket } from 'socket.io';
import type { WebSocket } from 'ws';
import type { Engine, PacketHandlers } from '../socket-driver.js';
import { ackFrameLength, ackIdAt, NO_ACK } from './ack-frames.js';
import { decodePacket } from './packet-decoding.js';

/*
 * All that Usher uses of Socket.IO, Engine.IO and ws beyond their public interfaces, and nowhere else. What it saves was
 * measured: docs/decisions/frames-made-once.md. socket-io-internals.spec.ts lists each member with the file of the library
 * to read, and fails when another version of a library is installed.
 */

/** Engine.IO's transport of one connection: polling or WebSocket. */
export interface EngineTransport {
  readonly name: string;
  /** The WebSocket; undefined while the device polls. */
  readonly socket?: WebSocket & { readonly _socket?: TcpSocket; readonly _receiver?: Receiver };
  onClose(): void;
  /** Takes a packet from the device; a method of the prototype. */
  onPacket(packet: EnginePacket): void;
}

/** Takes what was read from the TCP socket of a WebSocket, and cuts it into messages. */
interface Receiver {
  /** 0 before a frame, more within one. */
  readonly _state: number;
  /** Bytes of a frame that is not complete. */
  readonly _bufferedBytes: number;
  /** The opcode of a message that is not complete; 0 else. */
  readonly _fragmented: number;
  /** What was written and is not handled yet. */
  readonly writableLength: number;
  write(chunk: Buffer): boolean;
}

/** A packet of Engine.IO; the packets of Socket.IO are the data of its messages. */
export interface EnginePacket {
  readonly type: string;
  readonly data?: unknown;
}

/** Engine.IO's socket: one connection of a device, as `socket.conn`. */
export interface EngineSocket {
  readonly readyState: string;
  /** Whether the device is changing from polling to WebSocket. */
  readonly upgrading: boolean;
  /** The packets that wait until the transport is writable. */
  readonly writeBuffer: readonly unknown[];
  readonly transport: EngineTransport;
  /** Runs while a ping is not answered; null else. */
  readonly pingTimeoutTimer: { refresh(): unknown } | null;
  /** Whether it was begun anew since the ping, by another packet than its answer. */
  hasRefreshedPingTimeout: boolean;
  request: unknown;
  write(message: string): void;
  close(discard?: boolean): void;
  on(event: 'upgrade', listener: (this: EngineSocket, transport: EngineTransport) => void): unknown;
}

/** What is beneath Engine.IO's public socket. */
export const insideOf = (engine: Engine): EngineSocket => engine as unknown as EngineSocket;
/** The Engine.IO socket under a Socket.IO socket. */
export const engineOf = (socket: Socket): EngineSocket => insideOf(socket.conn);

/** A transport whose packets are read for the socket of a device. */
type DeviceTransport = EngineTransport & { readonly deviceSocket: Socket };
/** A receiver whose acknowledgements are read for the socket of a device. */
type DeviceReceiver = Receiver & { readonly deviceSocket: Socket };

/** They read for all devices: one pair of functions, since closures for each would cost memory. */
export interface PacketReaders {
  /** Takes what Engine.IO has cut into packets. */
  readonly onPacket: (this: DeviceTransport, packet: EnginePacket) => void;
  /** Takes what came from the network. */
  readonly write: (this: DeviceReceiver, chunk: Buffer) => boolean;
}

/** Returns what reads the events and acknowledgements of devices in place of ws, Engine.IO and Socket.IO. */
export const packetReaders = (handlers: PacketHandlers): PacketReaders => ({
  onPacket: packetReader(handlers),
  write: ackReader(handlers),
});

/**
 * Returns what reads acknowledgements before ws, which makes three objects, two buffers and a string of each, and calls two streams and four emitters.
 * What is not a whole acknowledgement is left to ws, with all that follows it.
 */
function ackReader({ onack }: PacketHandlers): PacketReaders['write'] {
  return function (chunk) {
    const isBeforeFrame = this._state === 0 && this._bufferedBytes === 0 && this.writableLength === 0;
    const end = isBeforeFrame && this._fragmented === 0 ? readAcks(this.deviceSocket, chunk, onack) : 0;
    if (end === chunk.length) return true;
    return (Object.getPrototypeOf(this) as Receiver).write.call(
      this,
      end === 0 ? chunk : chunk.subarray(end),
    );
  };
}

/** Returns how many bytes of the chunk were acknowledgements. */
function readAcks(deviceSocket: Socket, chunk: Buffer, onack: PacketHandlers['onack']): number {
  const engine = engineOf(deviceSocket);
  let at = 0;
  while (at < chunk.length && engine.readyState === 'open') {
    const id = ackIdAt(chunk, at);
    if (id === NO_ACK) break;
    at += ackFrameLength(chunk, at);
    showsLife(engine);
    onack.call(deviceSocket, { id });
  }
  return at;
}

/** All packets but events and acknowledgements are left to Engine.IO and Socket.IO, which send each through five emitters and a tick. */
function packetReader({ onevent, onack }: PacketHandlers): PacketReaders['onPacket'] {
  return function (packet) {
    const { deviceSocket } = this;
    const engine = engineOf(deviceSocket);
    const isText = packet.type === 'message' && typeof packet.data === 'string';
    const read = isText && engine.readyState === 'open' ? decodePacket(packet.data as string) : undefined;
    if (!read) {
      (Object.getPrototypeOf(this) as EngineTransport).onPacket.call(this, packet);
      return;
    }
    showsLife(engine);
    if (read.kind === 'ack') onack.call(deviceSocket, read);
    else onevent.call(deviceSocket, read);
  };
}

/** As in Engine.IO, a device has once more the time to answer a ping when it sends something else meanwhile. */
function showsLife(engine: EngineSocket): void {
  if (engine.pingTimeoutTimer === null || engine.hasRefreshedPingTimeout) return;
  engine.pingTimeoutTimer.refresh();
  engine.hasRefreshedPingTimeout = true;
}

/** From now on the packets of the transport are read for the socket. */
export function readPackets(
  transport: EngineTransport,
  deviceSocket: Socket,
  { onPacket, write }: PacketReaders,
): void {
  Object.assign(transport, { deviceSocket, onPacket });
  const receiver = transport.socket?._receiver;
  if (receiver) Object.assign(receiver, { deviceSocket, write });
}

/**
 * Has each packet that Socket.IO reads go straight to the handlers: those of polling devices. With its `onack` replaced, the socket's own table of
 * acknowledgements is not used.
 */
export function replacePacketHandlers(socket: Socket, handlers: PacketHandlers): void {
  Object.assign(socket, handlers);
}

/**
 * Frees the HTTP request of the handshake and its headers, which Socket.IO keeps for as long as the socket lives although
 * nothing reads them again. Connections that poll are left as they are.
 */
export function releaseHandshake(socket: Socket): void {
  const engine = engineOf(socket);
  if (engine.transport.name !== 'websocket') return;
  engine.request = null;
  (socket as { handshake: unknown }).handshake = undefined;
}

/** Frees the connection at once. Engine.IO's own close would wait until the device has read what is buffered. */
export function terminateEngine(engine: EngineSocket): void {
  const { socket } = engine.transport;
  if (socket) socket.terminate();
  else engine.close(true);
}

/** Ends a polling connection that is closing and waits for the device's next poll, which may never come. */
export function endAbandonedPolling(engine: EngineSocket): void {
  engine.transport.onClose();
}
