import type { DeviceUpdate } from './device-update.js';
import type { Envelope, EventOf } from './envelope.js';
import type { UsherError } from './errors.js';
import type { Unsubscribe } from './event-emitter.js';
import type { UsherEvents } from './events.js';
import type { Beat, BeatAnswer } from './heartbeat.js';
import type { Receipt } from './receipt.js';
import type { State } from './state.js';

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
export const SIGNALS: ReadonlySet<string> = new Set<keyof Signals>([
  'change',
  '*',
  'offline',
  'refused',
  'error',
]);

/** One device of one user, kept in sync with the user's other devices: what `connect` and `connectShared` return. */
export interface UsherClient {
  /** What this device knows now. The same object until something changes. */
  readonly state: State;

  /**
   * Listens to a signal, to one of Usher's events, or to an event type of your own. Each durable event is delivered once and in
   * order, also across restarts of the app, and so is each event for everyone (`broadcast`). It counts as read when its listeners have returned; a promise is not awaited.
   * Returns the function that removes the listener.
   */
  on<Name extends keyof Signals>(signal: Name, listener: (value: Signals[Name]) => void): Unsubscribe;
  on<Type extends keyof UsherEvents>(type: Type, listener: (event: EventOf<Type>) => void): Unsubscribe;
  on(type: string, listener: (event: Envelope) => void): Unsubscribe;

  /**
   * Sends this device's playback position to the server, and through it to the user's other devices. While offline only the
   * newest beat of a show is kept. It is sent on reconnect, and the promise waits for that.
   * Rejects with {@link UsherError}: the server's refusal, `timeout`, `user_changed`, `queue_full`, `payload_too_large` or `closed`.
   */
  beat(beat: Beat): Promise<BeatAnswer>;

  /**
   * Sends beats by itself while `get` says `playing`: first after a minute, then as often as the server wants. Returns the
   * function that stops it. For the very last position call {@link beat} with `paused` or `ended`.
   */
  playing(get: () => Beat): () => void;

  /**
   * Sends a receipt to the server. The receipt `received` is sent automatically. Waits for the connection like {@link beat}.
   * Prefer ids: an offset means nothing after the numbering was rebuilt.
   */
  receipt(receipt: Receipt): Promise<void>;

  /** Tells the server that the app has acted on this event. */
  applied(event: Pick<Envelope, 'id'>): Promise<void>;

  /** Tells the server that a person has seen this event. */
  seen(event: Pick<Envelope, 'id'>): Promise<void>;

  /** Changes what the server knows of this device, as its push address. Waits for the connection like {@link beat}. */
  updateDevice(update: DeviceUpdate): Promise<void>;

  /** Disconnects for good and stops every timer. What was not sent yet fails with `closed`. */
  close(): void;
}
