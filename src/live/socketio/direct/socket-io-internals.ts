import type { Socket as TcpSocket } from 'node:net';
import type { Socket } from 'socket.io';
import type { WebSocket } from 'ws';
import type { Engine, PacketHandlers } from '../socket-driver.js';

/*
 * All that Usher uses of Socket.IO, Engine.IO and ws beyond their public interfaces, and nowhere else. What it saves was
 * measured: docs/decisions/frames-made-once.md. socket-io-internals.spec.ts lists each member with the file of the library
 * to read, and fails when another version of a library is installed.
 */

/** Engine.IO's transport of one connection: polling or WebSocket. */
export interface EngineTransport {
  readonly name: string;
  /** False while it writes packets of its own. */
  readonly writable: boolean;
  /** The WebSocket; undefined while the device polls. */
  readonly socket?: WebSocket & { readonly _socket?: TcpSocket };
  onClose(): void;
}

/** Engine.IO's socket: one connection of a device, as `socket.conn`. */
export interface EngineSocket {
  readonly readyState: string;
  /** Whether the device is changing from polling to WebSocket. */
  readonly upgrading: boolean;
  /** The packets that wait until the transport is writable. */
  readonly writeBuffer: readonly unknown[];
  readonly transport: EngineTransport;
  request: unknown;
  write(message: string): void;
  close(discard?: boolean): void;
  on(event: 'upgrade', listener: (this: EngineSocket, transport: EngineTransport) => void): unknown;
}

/** What is beneath Engine.IO's public socket. */
export const insideOf = (engine: Engine): EngineSocket => engine as unknown as EngineSocket;
/** The Engine.IO socket under a Socket.IO socket. */
export const engineOf = (socket: Socket): EngineSocket => insideOf(socket.conn);

/**
 * Has each packet of the socket go straight to the handlers. Socket.IO's own methods put two ticks and two closures around
 * each, which is a fifth of a heartbeat's CPU. With its `onack` replaced, the socket's own table of acknowledgements is not
 * used.
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
