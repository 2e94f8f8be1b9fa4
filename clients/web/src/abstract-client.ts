import { SIGNALS, type Signals, type UsherClient } from './client.js';
import type { DeviceUpdate } from './device-update.js';
import type { Envelope, EventOf } from './envelope.js';
import { UsherError } from './errors.js';
import { EventEmitter, type Unsubscribe } from './event-emitter.js';
import type { UsherEvents } from './events.js';
import type { Beat, BeatAnswer } from './heartbeat.js';
import { startHeartbeatLoop } from './heartbeat-loop.js';
import type { Receipt } from './receipt.js';
import type { State } from './state.js';
import { Timers } from './timers.js';

/** What a client does alike, whether it holds the connection itself or another tab does. */
export abstract class AbstractClient implements UsherClient {
  protected readonly timers = new Timers();
  protected readonly emitter = new EventEmitter();
  private loops = 0;

  abstract get state(): State;

  /** @internal Seconds between two heartbeats, as the latest welcome says. */
  abstract get heartbeatSeconds(): number;

  abstract beat(beat: Beat): Promise<BeatAnswer>;
  abstract receipt(receipt: Receipt): Promise<void>;
  abstract updateDevice(update: DeviceUpdate): Promise<void>;

  /** Stops everything for good. Calls that wait fail with `reason`. */
  protected abstract shutDown(reason: UsherError): void;

  on<Name extends keyof Signals>(signal: Name, listener: (value: Signals[Name]) => void): Unsubscribe;
  on<Type extends keyof UsherEvents>(type: Type, listener: (event: EventOf<Type>) => void): Unsubscribe;
  on(type: string, listener: (event: Envelope) => void): Unsubscribe;
  on(name: string, listener: (value: never) => void): Unsubscribe {
    return this.emitter.on(name, listener);
  }

  playing(get: () => Beat): () => void {
    return startHeartbeatLoop({
      timers: this.timers,
      timerName: `heartbeat ${++this.loops}`,
      getBeat: get,
      sendBeat: (beat) => this.beat(beat),
      getIntervalSeconds: () => this.heartbeatSeconds,
      onError: (error) => this.emitter.emitError(error),
    });
  }

  applied(event: Pick<Envelope, 'id'>): Promise<void> {
    return this.receipt({ ids: [event.id], state: 'applied' });
  }

  seen(event: Pick<Envelope, 'id'>): Promise<void> {
    return this.receipt({ ids: [event.id], state: 'seen' });
  }

  close(): void {
    this.shutDown(new UsherError('closed', 'the client was closed', false));
  }

  /** @internal Closes for good and reports why. */
  fail(error: UsherError): void {
    this.shutDown(error);
    this.emitter.emit('refused', error);
  }

  /** Calls the listeners of the event's type, and those of every event. */
  protected emitEvent(event: Envelope): void {
    if (!SIGNALS.has(event.type)) this.emitter.emit(event.type, event);
    this.emitter.emit('*', event);
  }
}

/** A caller that does not look at the promise must not get an unhandled rejection. Others still see the failure. */
export function ignoreUnhandled<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => undefined);
  return promise;
}
