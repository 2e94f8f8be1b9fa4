import { failuresAfterConnection, retryDelayMs } from './backoff.js';
import { toUsherError, UsherError } from './errors.js';
import type { ResolvedOptions } from './options.js';
import { SocketConnection, type Acknowledge, type AckPayload, type Dial } from './socket-connection.js';
import type { Timers } from './timers.js';
import { isTokenError } from './token.js';

/**
 * `connecting` an attempt is under way · `live` connected and up to date · `offline` waiting for the next attempt · `closed`
 * for good.
 */
export type Connection = 'connecting' | 'live' | 'offline' | 'closed';

/** From the start of an attempt to its welcome (and snapshot, or its next page). A server that accepts and then sends nothing counts as lost. */
const WELCOME_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** The server pings every 20 s. What comes after a longer silence was sent before the device fell asleep, and is read when it awakes. */
const MAX_SILENCE_MS = 60_000;

/** An instant by both clocks: `now` may be set, and `elapsed` may stand still while the machine sleeps. */
interface Instant {
  readonly now: number;
  readonly elapsed: number;
}

/** When the server was last heard of while the device was live; of a device that never was, when it first connected. */
export interface Loss {
  /** How long ago that is, in ms, perhaps more. */
  readonly agoMs: number;
  /** The same instant by the clock that is never set. */
  readonly elapsed: number;
}

export interface ReconnectingSocketHandlers {
  /** Returns the handshake of this attempt. */
  getAuth(token: string, lost: Loss): Record<string, string>;
  onFrame(name: string, payload: unknown, acknowledge: Acknowledge): void;
  onConnectionChange(connection: Connection): void;
  /** A connection was lost or an attempt failed. The next attempt is scheduled. */
  onOffline(error: UsherError): void;
  /** The server refused for good. The socket is closed. */
  onRefused(error: UsherError): void;
}

/** Keeps one connection open: connects, and reconnects with backoff, until it is closed or refused for good. */
export class ReconnectingSocket {
  private socket: SocketConnection | undefined;
  private connection: Connection = 'offline';
  private attempts = 0;
  private failures = 0;
  /** A refused token was replaced once since the device was last live. */
  private hasRenewedToken = false;
  /** The server asked for the current delay. */
  private isDelayRequested = false;
  private liveSince = 0;
  /** When the server was last heard of on the connection that is live. */
  private heardAt: Instant | undefined;
  /** The same of the connection that was live last; before there was one, when the first one that ended was begun. */
  private lostAt: Instant | undefined;
  private attemptedAt: Instant;
  private readonly removeOnlineListener: () => void;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly timers: Timers,
    private readonly handlers: ReconnectingSocketHandlers,
    private readonly dial?: Dial,
  ) {
    this.attemptedAt = this.getInstant();
    this.removeOnlineListener = addOnlineListener(() => this.retrySoon());
  }

  get isLive(): boolean {
    return this.connection === 'live';
  }

  /** When the latest attempt began, by the local clock, in ms. */
  get attemptStartedAt(): number {
    return this.attemptedAt.now;
  }

  /** Starts an attempt now. */
  async connect(): Promise<void> {
    if (this.connection === 'closed') return;
    const attempt = ++this.attempts;
    this.attemptedAt = this.getInstant();
    this.setConnection('connecting');
    this.timers.clear('retry');
    this.startWelcomeTimer();
    let token: string;
    try {
      token = await this.options.getToken();
    } catch (error) {
      if (attempt === this.attempts) this.reconnect(toUsherError(error, 'token_unavailable'));
      return;
    }
    if (attempt === this.attempts) this.open(token); // else this attempt was given up while the token was fetched
  }

  /** A page of the snapshot has arrived: the attempt goes on for as long as further ones come in time. */
  extendWelcome(): void {
    if (this.connection === 'connecting') this.startWelcomeTimer();
  }

  /** The welcome, and the snapshot if there is one, have arrived. */
  markLive(): void {
    this.timers.clear('welcome');
    if (this.connection !== 'connecting') return;
    this.liveSince = this.options.now();
    this.heardAt = this.getInstant();
    this.lostAt = undefined;
    this.hasRenewedToken = false;
    this.setConnection('live');
  }

  /** Closes this connection and reconnects with backoff, not before `retryAfterMs`. */
  reconnect(error: UsherError, retryAfterMs?: number): void {
    this.socket?.close();
    this.scheduleRetry(error, retryAfterMs);
  }

  /** Sends a request. Throws like {@link SocketConnection.request}. */
  async request(name: string, payload: unknown): Promise<AckPayload> {
    if (!this.socket) throw new UsherError('offline', 'not connected', true);
    return this.socket.request(name, payload, REQUEST_TIMEOUT_MS);
  }

  /** Closes for good. Idempotent. */
  close(): void {
    if (this.connection === 'closed') return;
    this.attempts++;
    this.removeOnlineListener();
    this.socket?.close();
    this.socket = undefined;
    this.setConnection('closed');
  }

  /** Closes for good and reports why. */
  fail(error: UsherError): void {
    this.close();
    this.handlers.onRefused(error);
  }

  private startWelcomeTimer(): void {
    this.timers.set('welcome', WELCOME_TIMEOUT_MS, () =>
      this.reconnect(new UsherError('timeout', 'no welcome in time', true)),
    );
  }

  private open(token: string): void {
    const attempt = this.attempts;
    const { url, transports } = this.options;
    const lostAt = this.lostAt ?? this.attemptedAt;
    const auth = this.handlers.getAuth(token, { agoMs: this.getAgeMs(lostAt), elapsed: lostAt.elapsed });
    if (attempt !== this.attempts) return; // a listener closed the client in the meantime
    this.socket = new SocketConnection(
      { url, transports, auth },
      {
        onHeard: () => this.recordHeard(),
        onFrame: (name, payload, acknowledge) => this.handlers.onFrame(name, payload, acknowledge),
        onEnd: (error) => this.handleEnd(error),
      },
      this.dial,
    );
  }

  private handleEnd(error: UsherError): void {
    const canRenewToken = isTokenError(error) && this.options.isTokenRenewable;
    if (isTokenError(error) ? !canRenewToken : !error.retryable) return this.fail(error);
    if (!canRenewToken || this.hasRenewedToken) return this.scheduleRetry(error);
    this.hasRenewedToken = true;
    this.recordLoss();
    void this.connect();
  }

  private scheduleRetry(error: UsherError, retryAfterMs = error.retryAfterMs): void {
    if (this.connection === 'closed') return;
    this.attempts++;
    this.socket = undefined;
    this.recordLoss();
    this.timers.clear('welcome');
    this.isDelayRequested = retryAfterMs !== undefined;
    this.setRetryTimer(retryDelayMs(this.failures++, this.options.random, retryAfterMs));
    this.setConnection('offline');
    this.handlers.onOffline(error);
  }

  /** The network is back. Waiting on is of no use, unless the server asked for it. */
  private retrySoon(): void {
    if (this.connection === 'offline' && !this.isDelayRequested)
      this.setRetryTimer(retryDelayMs(0, this.options.random));
  }

  private setRetryTimer(delayMs: number): void {
    this.timers.set('retry', delayMs, () => void this.connect());
  }

  private recordLoss(): void {
    this.lostAt ??= this.attemptedAt; // pages of a first snapshot may have come
    if (this.connection !== 'live') return;
    this.lostAt = this.heardAt;
    this.failures = failuresAfterConnection(this.options.now() - this.liveSince, this.failures);
  }

  private recordHeard(): void {
    if (this.isLive && this.heardAt && this.getAgeMs(this.heardAt) <= MAX_SILENCE_MS)
      this.heardAt = this.getInstant();
  }

  private getInstant(): Instant {
    return { now: this.options.now(), elapsed: this.options.elapsed() };
  }

  /** Of the two times the longer one: more is asked for than was missed, and never less. */
  private getAgeMs({ now, elapsed }: Instant): number {
    return Math.max(this.options.now() - now, this.options.elapsed() - elapsed);
  }

  private setConnection(connection: Connection): void {
    if (this.connection === connection) return;
    this.connection = connection;
    this.handlers.onConnectionChange(connection);
  }
}

type OnlineListener = (name: 'online', callback: () => void) => void;

/** Calls back when a browser reports that the network is back; other environments report nothing. Returns the removal. */
function addOnlineListener(callback: () => void): () => void {
  const host = globalThis as unknown as {
    addEventListener?: OnlineListener;
    removeEventListener?: OnlineListener;
  };
  host.addEventListener?.('online', callback);
  return () => host.removeEventListener?.('online', callback);
}
