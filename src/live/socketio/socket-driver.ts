import type { Server, Socket } from 'socket.io';
import type { TokenBucket } from '../../platform/rate-limits/token-bucket.js';
import type { Transport } from '../connection/transport.js';

/** Engine.IO's socket: one connection of a device. */
export type Engine = Socket['conn'];

/** What a device sends, with its socket as `this`: one pair of functions for all sockets, since closures for each would cost memory. */
export interface PacketHandlers {
  /** A command: `data` is `[name, payload]`, `id` the id that its response is to carry, if it asks for one. */
  readonly onevent: (
    this: Socket,
    packet: { readonly data?: unknown; readonly id?: number | undefined },
  ) => void;
  /** The acknowledgement of the event that was written with this id. */
  readonly onack: (this: Socket, packet: { readonly id: number }) => void;
}

/** Those of a driver that does not serve yet. */
export const NO_HANDLERS: PacketHandlers = { onevent: () => undefined, onack: () => undefined };

/** How Socket.IO's sockets are used: by their insides (`direct`), or by public ways alone (`stock`). See SOCKETS. */
export interface SocketDriver {
  /** Called first: limits the frames of all connections, and gives the handlers what devices send whose sockets were opened. */
  serve(server: Server, handlers: PacketHandlers): void;
  /** The connection's frames count towards its device's bucket from now on. */
  useBucket(socket: Socket, bucket: TokenBucket): void;
  /** What is written to the device until the next iteration of the event loop goes out in one system call, where the driver can. */
  writeTogether(socket: Socket): void;
  /** The device was admitted. Returns the way to it. */
  open(socket: Socket): Transport;
  /** Frees what only the handshake needed; called when the first frames were written. */
  releaseHandshake(socket: Socket): void;
  /** Ends a polling connection without a valid handshake that Engine.IO has closed, and keeps until the device's next poll. */
  endAbandoned(engine: Engine): void;
}

/** Injection token of SocketDriver. */
export const SOCKET_DRIVER = Symbol('SOCKET_DRIVER');
