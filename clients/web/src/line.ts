import { io, type Socket } from 'socket.io-client';
import { isRecord } from './envelope.js';
import { readError, toUsherError, UsherError } from './errors.js';

export type Acknowledge = () => void;
export type Answer = Readonly<Record<string, unknown>>;

export interface LineOptions {
  readonly url: string;
  readonly transports: readonly string[];
  readonly auth: Readonly<Record<string, string>>;
}

/** What a line tells its owner. `ended` comes at most once, and nothing after it. */
export interface LineEars {
  frame(name: string, payload: unknown, acknowledge: Acknowledge): void;
  ended(why: UsherError): void;
}

/**
 * One connection, from dialling to its end; it never comes back by itself. Each attempt has a new one, so that nothing
 * of an old connection (buffered frames, pending acks) can leak into the next, which may be another user's.
 */
export class Line {
  private readonly socket: Socket;
  private open = true;

  constructor(
    options: LineOptions,
    private readonly ears: LineEars,
  ) {
    const { origin, pathname } = new URL(options.url);
    this.socket = io(origin, {
      path: `${pathname.replace(/\/+$/, '')}/socket.io`, // Usher may live below a path; Socket.IO would read one as a namespace
      auth: { ...options.auth },
      transports: [...options.transports],
      forceNew: true,
      reconnection: false, // the session decides when; Socket.IO's own would ignore what the server asked for
    });
    this.socket.on('connect_error', (error) => this.end(refusalIn(error)));
    this.socket.on('disconnect', (reason) => this.end(new UsherError('offline', reason, true)));
    this.socket.onAny((name: string, ...args: unknown[]) => this.hear(name, args));
  }

  /** Sends and waits for the answer; throws what the server refused, `timeout`, or `offline` if the line ended first. */
  async request(name: string, payload: unknown, withinMs: number): Promise<Answer> {
    if (!this.open || !this.socket.connected) throw new UsherError('offline', 'not connected', true);
    const answer: unknown = await this.socket
      .timeout(withinMs)
      .emitWithAck(name, payload)
      .catch(() => Promise.reject(this.silence()));
    if (!isRecord(answer)) throw new UsherError('protocol', `${name}: the answer is not an object`, false);
    if (answer['ok'] === true) return answer;
    throw (
      readError(answer['error']) ?? new UsherError('protocol', `${name}: refused without a reason`, false)
    );
  }

  close(): void {
    this.open = false;
    this.socket.offAny();
    this.socket.disconnect();
  }

  private hear(name: string, args: unknown[]): void {
    const last = args.at(-1);
    const acknowledge: Acknowledge = typeof last === 'function' ? () => void last() : () => undefined;
    this.ears.frame(name, args[0], acknowledge);
  }

  private end(why: UsherError): void {
    if (!this.open) return;
    this.close();
    this.ears.ended(why);
  }

  private silence(): UsherError {
    return this.open && this.socket.connected
      ? new UsherError('timeout', 'no answer in time', true)
      : new UsherError('offline', 'the connection ended before the answer', true);
  }
}

/** A refused handshake carries the server's word in `data`; anything else is the network. */
function refusalIn(error: Error & { data?: unknown }): UsherError {
  return readError(error.data) ?? toUsherError(error, 'offline');
}
