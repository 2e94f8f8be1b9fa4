import { date, toOutgoing, toProgress, type Beat, type BeatAnswer } from './beat.js';
import type { Envelope } from './envelope.js';
import { UsherError } from './errors.js';
import type { EventOf, UsherEvents } from './events.js';
import { isSeconds } from './frames.js';
import { Link } from './link.js';
import { Listeners, type Unsubscribe } from './listeners.js';
import { withProgress } from './mirror.js';
import { onNetworkBack } from './network.js';
import { settle, type ConnectOptions, type Settings } from './options.js';
import { keepBeating } from './playing.js';
import { view, type State } from './state.js';
import { Timers } from './timers.js';

/** What `on` tells beside the server's events. */
export interface Signals {
  /** The state is another one. */
  change: State;
  /** Every event, whatever its type. */
  '*': Envelope;
  /** The connection was lost, or an attempt failed; the client comes back by itself. */
  offline: UsherError;
  /** The server refused for good, and the client closed. */
  refused: UsherError;
  /** A listener threw, or something failed that the client lives with. Without a listener it goes to the console. */
  error: unknown;
}

/** An event type of a back office that is called like a signal must not pass for one; `*` hears it. */
const SIGNALS: ReadonlySet<string> = new Set<keyof Signals>(['change', '*', 'offline', 'refused', 'error']);

/** How far an event got on this device: `applied`, the app acted on it, or `seen`, a person saw it. */
export type Receipt =
  | { readonly ids: readonly string[]; readonly state: 'applied' | 'seen' }
  | { readonly offset: number; readonly state: 'applied' | 'seen' };

/** One device of one user, kept in step with the user's other devices. Made by {@link connect}. */
export class Usher {
  private readonly settings: Settings;
  private readonly timers = new Timers();
  private readonly listeners = new Listeners();
  private readonly link: Link;
  private readonly stopHearingNetwork: () => void;
  private players = 0;
  private current: State | undefined;

  /** @internal Use {@link connect}. */
  constructor(options: ConnectOptions) {
    this.settings = settle(options);
    this.link = new Link(this.settings, this.timers, {
      event: (event) => {
        if (!SIGNALS.has(event.type)) this.listeners.tell(event.type, event);
        this.listeners.tell('*', event);
      },
      changed: () => this.changed(),
      offline: (why) => this.listeners.tell('offline', why),
      refused: (why) => {
        this.shut(why);
        this.listeners.tell('refused', why);
      },
      trouble: (error) => this.listeners.complain(error),
    });
    this.stopHearingNetwork = onNetworkBack(() => this.link.hurry());
    this.link.open();
  }

  /** What this device knows now. The same object until something changes. */
  get state(): State {
    const { inbox, connection } = this.link;
    this.current = view(this.current, inbox.mirror, inbox.position, connection);
    return this.current;
  }

  /**
   * Listens to a signal, to one of Usher's events, or to an event type of your own. Each durable event is heard once, in
   * order, also across restarts of the app; it counts as read when its listeners have returned (a promise is not waited for).
   */
  on<Name extends keyof Signals>(signal: Name, listener: (value: Signals[Name]) => void): Unsubscribe;
  on<Type extends keyof UsherEvents>(type: Type, listener: (event: EventOf<Type>) => void): Unsubscribe;
  on(type: string, listener: (event: Envelope) => void): Unsubscribe;
  on(name: string, listener: (value: never) => void): Unsubscribe {
    return this.listeners.on(name, listener);
  }

  /**
   * Tells the server where this device is in a show, and through it the user's other devices. While offline only the
   * newest beat of a show is kept; it goes out on return, and the promise waits for that.
   * Rejects with {@link UsherError} if the server refuses, does not answer in time (`timeout`), or the client is closed.
   */
  beat(beat: Beat): Promise<BeatAnswer> {
    return unattended(this.sendBeat(beat));
  }

  /**
   * Beats by itself while `get` says `playing`: first after a minute, then as often as the server likes. Returns what
   * stops it; for the very last position call {@link beat} with `paused` or `ended`.
   */
  playing(get: () => Beat): () => void {
    return keepBeating({
      timers: this.timers,
      name: `playing ${++this.players}`,
      get,
      beat: (beat) => this.beat(beat),
      heartbeatSeconds: () => this.link.heartbeatSeconds,
      complain: (error) => this.listeners.complain(error),
    });
  }

  /**
   * Tells the server how far events got here; `received` it knows by itself. Waits for the connection like {@link beat}.
   * Ids are the better choice: an offset means nothing after the numbering was rebuilt.
   */
  receipt(receipt: Receipt): Promise<void> {
    const slot = JSON.stringify(['receipt', receipt]);
    const sent = this.link.outbox.put({ slot, name: 'receipt', payload: receipt, order: 0 });
    return unattended(sent.then(() => undefined));
  }

  /** The app has acted on this event. */
  applied(event: Pick<Envelope, 'id'>): Promise<void> {
    return this.receipt({ ids: [event.id], state: 'applied' });
  }

  /** A person has seen this event. */
  seen(event: Pick<Envelope, 'id'>): Promise<void> {
    return this.receipt({ ids: [event.id], state: 'seen' });
  }

  /** Disconnects for good and stops every timer. What still waits to be sent fails with `closed`. */
  close(): void {
    this.shut(new UsherError('closed', 'the client was closed', false));
  }

  private async sendBeat(beat: Beat): Promise<BeatAnswer> {
    const dated = date(beat, this.settings.profileId, this.link.clock.now());
    const { nextSeconds } = await this.link.outbox.put(toOutgoing(dated));
    const { inbox } = this.link;
    inbox.mirror = withProgress(inbox.mirror, toProgress(dated, this.settings.deviceId));
    this.changed();
    return { nextSeconds: isSeconds(nextSeconds) ? nextSeconds : this.link.heartbeatSeconds };
  }

  private shut(why: UsherError): void {
    this.timers.stop();
    this.stopHearingNetwork();
    this.link.close(why);
  }

  private changed(): void {
    const before = this.current;
    if (this.state !== before) this.listeners.tell('change', this.state);
  }
}

/** Whoever looks at the promise learns of its failure; whoever does not, is not punished by an unhandled rejection. */
function unattended<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => undefined);
  return promise;
}

/**
 * Connects to Usher and stays connected until `close()` or a refusal for good. Returns at once; listen before the next
 * `await` and nothing is missed.
 */
export function connect(options: ConnectOptions): Usher {
  return new Usher(options);
}
