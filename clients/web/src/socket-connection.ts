import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { parseError, toUsherError, UsherError } from './errors.js';
import { byteLength, MAX_FRAME_BYTES } from './frames.js';
import { isRecord } from './validation.js';

/** Acknowledges a frame to the server. Does nothing if the server did not ask for it. */
export type Acknowledge = () => void;

/** The payload of the server's acknowledgement of a request. */
export type AckPayload = Readonly<Record<string, unknown>>;

/** Opens a Socket.IO connection, as socket.io-client's `io` does. Tests replace it to speak for the server. */
export type Dial = (origin: string, options: Partial<ManagerOptions & SocketOptions>) => Socket;

export interface SocketConnectionOptions {
  readonly url: string;
  readonly transports: readonly string[];
  readonly auth: Readonly<Record<string, string>>;
}

/** Callbacks of one connection. `onEnd` is called at most once, and nothing after it. */
export interface SocketConnectionHandlers {
  /** The server was heard of: by a ping, or by a frame, before it is handled. */
  onHeard(): void;
  onFrame(name: string, payload: unknown, acknowledge: Acknowledge): void;
  onEnd(error: UsherError): void;
}

/**
 * One Socket.IO connection. It does not reconnect: each attempt makes a new one, so that nothing of the old connection
 * (buffered frames, pending acknowledgements) can reach the next, which may be another user's.
 */
export class SocketConnection {
  private readonly socket: Socket;
  private isOpen = true;

  constructor(
    options: SocketConnectionOptions,
    private readonly handlers: SocketConnectionHandlers,
    dial: Dial = io,
  ) {
    const { origin, pathname } = new URL(options.url);
    this.socket = dial(origin, {
      path: `${pathname.replace(/\/+$/, '')}/socket.io`, // Usher may be below a path, which Socket.IO would take for a namespace
      auth: { ...options.auth },
      transports: [...options.transports],
      forceNew: true,
      reconnection: false, // Socket.IO's own reconnection would ignore the delay that the server asked for
    });
    this.socket.on('connect_error', (error) => this.end(toConnectError(error)));
    this.socket.on('disconnect', (reason) => this.end(new UsherError('offline', reason, true)));
    this.socket.io.on('ping', () => this.isOpen && this.handlers.onHeard());
    this.socket.onAny((name: string, ...args: unknown[]) => this.receive(name, args));
  }

  /**
   * Sends a request and returns the payload of its acknowledgement.
   * Throws UsherError: the server's refusal, `timeout`, `protocol`, `offline` if the connection ended first, or
   * `payload_too_large` without sending anything: the server would close the connection.
   */
  async request(name: string, payload: unknown, timeoutMs: number): Promise<AckPayload> {
    if (!this.isOpen || !this.socket.connected) throw new UsherError('offline', 'not connected', true);
    if (byteLength(name, payload) > MAX_FRAME_BYTES)
      throw new UsherError('payload_too_large', `${name}: more than ${MAX_FRAME_BYTES} bytes`, false);
    const response: unknown = await this.socket
      .timeout(timeoutMs)
      .emitWithAck(name, payload)
      .catch(() => Promise.reject(this.toMissingAckError()));
    if (!isRecord(response))
      throw new UsherError('protocol', `${name}: the response is not an object`, false);
    if (response['ok'] === true) return response;
    throw (
      parseError(response['error']) ?? new UsherError('protocol', `${name}: refused without a reason`, false)
    );
  }

  close(): void {
    this.isOpen = false;
    this.socket.offAny();
    this.socket.disconnect();
  }

  private receive(name: string, args: unknown[]): void {
    this.handlers.onHeard();
    const last = args.at(-1);
    const acknowledge: Acknowledge = typeof last === 'function' ? () => void last() : () => undefined;
    this.handlers.onFrame(name, args[0], acknowledge);
  }

  private end(error: UsherError): void {
    if (!this.isOpen) return;
    this.close();
    this.handlers.onEnd(error);
  }

  private toMissingAckError(): UsherError {
    return this.isOpen && this.socket.connected
      ? new UsherError('timeout', 'no response in time', true)
      : new UsherError('offline', 'the connection ended before the response', true);
  }
}

/** A refused handshake carries the server's error in `data`. Anything else is a network error. */
function toConnectError(error: Error & { data?: unknown }): UsherError {
  return parseError(error.data) ?? toUsherError(error, 'offline');
}
