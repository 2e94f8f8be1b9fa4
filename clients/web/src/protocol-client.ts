import { getResumePosition } from './cursor.js';
import { parseEnvelope, type Envelope } from './envelope.js';
import { toUsherError, UsherError } from './errors.js';
import { FRAMES, isSuperseded, parseRetryAfterMs, parseWelcome } from './frames.js';
import { Inbox } from './inbox.js';
import type { ResolvedOptions } from './options.js';
import { Outbox } from './outbox.js';
import { PositionStore } from './position-store.js';
import {
  ReconnectingSocket,
  type Connection,
  type Loss,
  type ReconnectingSocketHandlers,
} from './reconnecting-socket.js';
import { Resync } from './resync.js';
import { ServerClock } from './server-clock.js';
import type { Acknowledge, Dial } from './socket-connection.js';
import type { Timers } from './timers.js';
import { readTokenSubject } from './token.js';

/** Asked for once more: what the server sent shortly before it was last heard of. Its times and ours are not exact. */
const OVERLAP_MS = 60_000;

/** A token provider that hangs must not block the next renewal for ever. */
const MAX_RENEWAL_MS = 60_000;

export interface ProtocolClientHandlers {
  onEvent(event: Envelope): void;
  /** The state may have changed. */
  onChange(): void;
  onOffline(error: UsherError): void;
  onRefused(error: UsherError): void;
  /** An error that the client recovers from. */
  onError(error: unknown): void;
}

/** Speaks the device socket's protocol (docs/CONTRACT.md): passes each frame to the part of the client that handles it. */
export class ProtocolClient {
  readonly clock: ServerClock;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  private readonly socket: ReconnectingSocket;
  private readonly resync: Resync;
  private currentConnection: Connection = 'offline';
  private currentHeartbeatSeconds = 60;
  private hasReportedStorage = false;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly timers: Timers,
    private readonly handlers: ProtocolClientHandlers,
    dial?: Dial,
  ) {
    const { now, elapsed, random, deviceId } = options;
    this.clock = new ServerClock(now, elapsed);
    this.inbox = new Inbox({
      deviceId,
      positionStore: new PositionStore(options.storage, options.url, deviceId),
      now: () => this.clock.now(),
      onEvent: (event) => handlers.onEvent(event),
      onChange: () => handlers.onChange(),
      onStorageError: () => this.reportStorage(),
    });
    const socketHandlers: ReconnectingSocketHandlers = {
      getAuth: (token, lost) => this.getAuth(token, lost),
      onFrame: (name, payload, acknowledge) => this.handleFrame(name, payload, acknowledge),
      onConnectionChange: (connection) => this.handleConnectionChange(connection),
      onOffline: (error) => handlers.onOffline(error),
      onRefused: (error) => handlers.onRefused(error),
    };
    this.socket = new ReconnectingSocket(options, timers, socketHandlers, dial);
    const request = (name: string, payload: unknown) => this.socket.request(name, payload);
    this.outbox = new Outbox({ timers, isLive: () => this.socket.isLive, request });
    this.resync = new Resync({
      timers,
      random,
      getPosition: () => this.inbox.cursor && this.inbox.position,
      sendSync: (position) => request('sync', position),
      onGiveUp: (error) => this.startOver(`sync failed: ${error.message}`),
    });
  }

  get connection(): Connection {
    return this.currentConnection;
  }

  /** Seconds between two heartbeats, as the latest welcome says. */
  get heartbeatSeconds(): number {
    return this.currentHeartbeatSeconds;
  }

  open(): void {
    void this.socket.connect();
  }

  /** Closes for good. Messages that were not sent fail with `reason`. */
  close(reason: UsherError): void {
    this.inbox.close();
    this.socket.close();
    this.resync.stop();
    this.outbox.close(reason);
  }

  private getAuth(token: string, { agoMs, elapsed }: Loss): Record<string, string> {
    const userId = readTokenSubject(token);
    if (userId !== undefined) this.setUser(userId);
    const { broadcastPosition } = this.inbox;
    const position = getResumePosition(this.inbox.cursor, agoMs);
    const resume = position && {
      epoch: position.epoch,
      offset: String(position.offset),
      since: new Date(this.clock.at(elapsed) - OVERLAP_MS).toISOString(),
    };
    // One epoch for both: a number of another one means nothing beside the position.
    const broadcast = broadcastPosition &&
      (!position || position.epoch === broadcastPosition.epoch) && {
        epoch: broadcastPosition.epoch,
        broadcast: String(broadcastPosition.number),
      };
    return { ...this.options.deviceAuth, token, ...broadcast, ...resume };
  }

  /** Messages of the previous user must not be sent in the name of the next one. */
  private setUser(userId: string): void {
    if (!this.inbox.setUser(userId)) return;
    this.outbox.discard(new UsherError('user_changed', 'another user signed in before this was sent', false));
    this.handlers.onChange();
  }

  private handleFrame(name: string, payload: unknown, acknowledge: Acknowledge): void {
    switch (name) {
      case FRAMES.welcome:
        return this.handleWelcome(payload);
      case FRAMES.snapshot:
        return this.handleSnapshot(payload, acknowledge);
      case FRAMES.goaway:
        return this.handleGoaway(payload);
      case FRAMES.tokenExpiring:
        return void this.renewToken();
      default:
        return this.handleEvent(payload, acknowledge);
    }
  }

  private handleWelcome(payload: unknown): void {
    const welcome = parseWelcome(payload);
    if (!welcome) return this.startOver('the welcome cannot be read');
    if (!this.socket.isLive) this.clock.synchronize(welcome.serverTime, this.socket.attemptStartedAt);
    this.currentHeartbeatSeconds = welcome.heartbeatSeconds;
    this.setUser(welcome.userId);
    const next = this.inbox.handleWelcome(welcome);
    if (next === 'mismatch') this.startOver('the replay does not continue our position');
    else if (next === 'replay') this.resume();
  }

  private handleSnapshot(payload: unknown, acknowledge: Acknowledge): void {
    const result = this.inbox.handleSnapshot(payload);
    if (result === 'unreadable') return this.startOver('the snapshot cannot be read');
    if (result === 'closed') return;
    acknowledge(); // the next page follows it
    if (result === 'complete') return this.resume();
    this.socket.extendWelcome();
    this.resync.extend();
  }

  private resume(): void {
    this.socket.markLive();
    if (this.inbox.isBehind) this.resync.restart();
    else this.resync.stop();
    this.outbox.flush();
  }

  private handleGoaway(payload: unknown): void {
    // Two devices with the same id would replace each other for ever.
    if (isSuperseded(payload))
      return this.socket.fail(new UsherError('superseded', 'this device connected elsewhere', false));
    const error = new UsherError('goaway', 'the server asked us to come back later', true);
    this.socket.reconnect(error, parseRetryAfterMs(payload));
  }

  private handleEvent(payload: unknown, acknowledge: Acknowledge): void {
    const event = parseEnvelope(payload);
    if (!event)
      this.handlers.onError(new UsherError('protocol', 'a frame without an event was ignored', false));
    else if (!this.inbox.handleEvent(event, acknowledge)) this.resync.start();
  }

  /** If it fails, the server closes the connection when the token expires, and the next attempt fetches a token of its own. One at a time. */
  private async renewToken(): Promise<void> {
    if (!this.options.isTokenRenewable || this.timers.isSet('renewal')) return;
    this.timers.set('renewal', MAX_RENEWAL_MS, () => undefined);
    try {
      await this.socket.request('token.refresh', { token: await this.options.getToken() });
    } catch (error) {
      if (this.socket.isLive) this.handlers.onError(toUsherError(error, 'token_unavailable'));
    } finally {
      this.timers.clear('renewal');
    }
  }

  /** Reconnects with backoff and asks for a snapshot, which is right whatever went wrong. */
  private startOver(message: string): void {
    this.inbox.discardCursor();
    this.socket.reconnect(new UsherError('protocol', message, true));
  }

  private handleConnectionChange(connection: Connection): void {
    this.currentConnection = connection;
    if (connection !== 'live') this.resync.stop();
    this.handlers.onChange();
  }

  private reportStorage(): void {
    if (this.hasReportedStorage) return; // once is enough: it would be repeated with each event
    this.hasReportedStorage = true;
    const message = 'the position cannot be stored; events may be received again after a restart';
    this.handlers.onError(new UsherError('storage', message, true));
  }
}
