import type { Envelope, EventOf } from './envelope.js';
import { UsherError } from './errors.js';
import { EventEmitter, type Unsubscribe } from './event-emitter.js';
import type { UsherEvents } from './events.js';
import { completeBeat, toMessage, toProgress, type Beat, type BeatAnswer } from './heartbeat.js';
import { startHeartbeatLoop } from './heartbeat-loop.js';
import { resolveOptions, type ConnectOptions, type ResolvedOptions } from './options.js';
import { ProtocolClient, type ProtocolClientHandlers } from './protocol-client.js';
import { toReceiptMessage, type Receipt } from './receipt.js';
import type { Dial } from './socket-connection.js';
import { toState, type State } from './state.js';
import { Timers } from './timers.js';
import { isSeconds } from './validation.js';

/** What `on` reports beside the server's events. */
export interface Signals {
  /** The state changed. */
  change: State;
  /** Every event, whatever its type. */
  '*': Envelope;
  /** The connection was lost, or an attempt failed. The client reconnects by itself. */
  offline: UsherError;
  /** The server refused for good, and the client closed. */
  refused: UsherError;
  /** A listener threw, or an error occurred that the client recovers from. Without a listener it goes to the console. */
  error: unknown;
}

/** A back office may publish an event type with such a name. It must not pass for a signal, so only `*` receives it. */
const SIGNALS: ReadonlySet<string> = new Set<keyof Signals>(['change', '*', 'offline', 'refused', 'error']);

/** One device of one user, kept in sync with the user's other devices. Created by {@link connect}. */
export class Usher {
  private readonly options: ResolvedOptions;
  private readonly timers = new Timers();
  private readonly emitter = new EventEmitter();
  private readonly client: ProtocolClient;
  private loops = 0;
  private currentState: State | undefined;

  /** @internal Use {@link connect}. */
  constructor(options: ConnectOptions, dial?: Dial) {
    this.options = resolveOptions(options);
    const handlers: ProtocolClientHandlers = {
      onEvent: (event) => {
        if (!SIGNALS.has(event.type)) this.emitter.emit(event.type, event);
        this.emitter.emit('*', event);
      },
      onChange: () => this.emitChange(),
      onOffline: (error) => this.emitter.emit('offline', error),
      onRefused: (error) => {
        this.shutDown(error);
        this.emitter.emit('refused', error);
      },
      onError: (error) => this.emitter.emitError(error),
    };
    this.client = new ProtocolClient(this.options, this.timers, handlers, dial);
    this.client.open();
  }

  /** What this device knows now. The same object until something changes. */
  get state(): State {
    const { inbox, connection } = this.client;
    this.currentState = toState(this.currentState, inbox.state, inbox.position, connection);
    return this.currentState;
  }

  /**
   * Listens to a signal, to one of Usher's events, or to an event type of your own. Each durable event is delivered once and in
   * order, also across restarts of the app. It counts as read when its listeners have returned; a promise is not awaited.
   * Returns the function that removes the listener.
   */
  on<Name extends keyof Signals>(signal: Name, listener: (value: Signals[Name]) => void): Unsubscribe;
  on<Type extends keyof UsherEvents>(type: Type, listener: (event: EventOf<Type>) => void): Unsubscribe;
  on(type: string, listener: (event: Envelope) => void): Unsubscribe;
  on(name: string, listener: (value: never) => void): Unsubscribe {
    return this.emitter.on(name, listener);
  }

  /**
   * Sends this device's playback position to the server, and through it to the user's other devices. While offline only the
   * newest beat of a show is kept. It is sent on reconnect, and the promise waits for that.
   * Rejects with {@link UsherError}: the server's refusal, `timeout`, `user_changed` or `closed`.
   */
  beat(beat: Beat): Promise<BeatAnswer> {
    return ignoreUnhandled(this.sendBeat(beat));
  }

  /**
   * Sends beats by itself while `get` says `playing`: first after a minute, then as often as the server wants. Returns the
   * function that stops it. For the very last position call {@link beat} with `paused` or `ended`.
   */
  playing(get: () => Beat): () => void {
    return startHeartbeatLoop({
      timers: this.timers,
      timerName: `heartbeat ${++this.loops}`,
      getBeat: get,
      sendBeat: (beat) => this.beat(beat),
      getIntervalSeconds: () => this.client.heartbeatSeconds,
      onError: (error) => this.emitter.emitError(error),
    });
  }

  /**
   * Sends a receipt to the server. The receipt `received` is sent automatically. Waits for the connection like {@link beat}.
   * Prefer ids: an offset means nothing after the numbering was rebuilt.
   */
  receipt(receipt: Receipt): Promise<void> {
    return ignoreUnhandled(this.client.outbox.send(toReceiptMessage(receipt)).then(() => undefined));
  }

  /** Tells the server that the app has acted on this event. */
  applied(event: Pick<Envelope, 'id'>): Promise<void> {
    return this.receipt({ ids: [event.id], state: 'applied' });
  }

  /** Tells the server that a person has seen this event. */
  seen(event: Pick<Envelope, 'id'>): Promise<void> {
    return this.receipt({ ids: [event.id], state: 'seen' });
  }

  /** Disconnects for good and stops every timer. What was not sent yet fails with `closed`. */
  close(): void {
    this.shutDown(new UsherError('closed', 'the client was closed', false));
  }

  private async sendBeat(beat: Beat): Promise<BeatAnswer> {
    const complete = completeBeat(beat, this.options.profileId, this.client.clock.now());
    const { nextSeconds } = await this.client.outbox.send(toMessage(complete));
    this.client.inbox.addProgress(toProgress(complete, this.options.deviceId));
    return { nextSeconds: isSeconds(nextSeconds) ? nextSeconds : this.client.heartbeatSeconds };
  }

  private shutDown(reason: UsherError): void {
    this.timers.stop();
    this.client.close(reason);
  }

  private emitChange(): void {
    const previous = this.currentState;
    if (this.state !== previous) this.emitter.emit('change', this.state);
  }
}

/** A caller that does not look at the promise must not get an unhandled rejection. Others still see the failure. */
function ignoreUnhandled<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => undefined);
  return promise;
}

/**
 * Connects to Usher and stays connected until `close()` or a refusal for good. Returns at once: a listener that is added before
 * the next `await` misses nothing. Throws a TypeError if `url` is not a URL.
 */
export function connect(options: ConnectOptions): Usher {
  return new Usher(options);
}
