import { SIGNALS, type Signals, type UsherClient } from './client.js';
import { toDeviceMessage, type DeviceUpdate } from './device-update.js';
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

/** The client that holds a connection of its own. Created by {@link connect}. */
export class Usher implements UsherClient {
  private readonly options: ResolvedOptions;
  private readonly timers = new Timers();
  private readonly emitter = new EventEmitter();
  private readonly client: ProtocolClient;
  private loops = 0;
  private updates = 0;
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
      onRefused: (error) => this.fail(error),
      onError: (error) => this.emitter.emitError(error),
    };
    this.client = new ProtocolClient(this.options, this.timers, handlers, dial);
    this.client.open();
  }

  get state(): State {
    const { inbox, connection } = this.client;
    this.currentState = toState(this.currentState, inbox.state, inbox.position, connection);
    return this.currentState;
  }

  on<Name extends keyof Signals>(signal: Name, listener: (value: Signals[Name]) => void): Unsubscribe;
  on<Type extends keyof UsherEvents>(type: Type, listener: (event: EventOf<Type>) => void): Unsubscribe;
  on(type: string, listener: (event: Envelope) => void): Unsubscribe;
  on(name: string, listener: (value: never) => void): Unsubscribe {
    return this.emitter.on(name, listener);
  }

  beat(beat: Beat): Promise<BeatAnswer> {
    return ignoreUnhandled(this.sendBeat(beat));
  }

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

  receipt(receipt: Receipt): Promise<void> {
    return ignoreUnhandled(this.client.outbox.send(toReceiptMessage(receipt)).then(() => undefined));
  }

  applied(event: Pick<Envelope, 'id'>): Promise<void> {
    return this.receipt({ ids: [event.id], state: 'applied' });
  }

  seen(event: Pick<Envelope, 'id'>): Promise<void> {
    return this.receipt({ ids: [event.id], state: 'seen' });
  }

  updateDevice(update: DeviceUpdate): Promise<void> {
    const message = toDeviceMessage(update, ++this.updates);
    return ignoreUnhandled(this.client.outbox.send(message).then(() => undefined));
  }

  /** @internal The server's time in ms since 1970, as far as it is known. */
  serverNow(): number {
    return this.client.clock.now();
  }

  /** @internal Closes for good and reports why. */
  fail(error: UsherError): void {
    this.shutDown(error);
    this.emitter.emit('refused', error);
  }

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
export function ignoreUnhandled<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => undefined);
  return promise;
}

/**
 * Connects to Usher and stays connected until `close()` or a refusal for good. Returns at once: a listener that is added before
 * the next `await` misses nothing. Throws a TypeError if `url` is not a URL.
 */
export function connect(options: ConnectOptions): UsherClient {
  return new Usher(options);
}
