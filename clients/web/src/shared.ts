import { SIGNALS, type Signals, type UsherClient } from './client.js';
import type { DeviceUpdate } from './device-update.js';
import type { Envelope, EventOf } from './envelope.js';
import { toUsherError, UsherError } from './errors.js';
import { EventEmitter, type Unsubscribe } from './event-emitter.js';
import type { UsherEvents } from './events.js';
import type { Beat, BeatAnswer } from './heartbeat.js';
import { startHeartbeatLoop } from './heartbeat-loop.js';
import { resolveOptions, type ConnectOptions } from './options.js';
import type { Receipt } from './receipt.js';
import { EMPTY_STATE, type State } from './state.js';
import { TabCalls } from './tab-calls.js';
import { fromPlainError, getTabsName, toPlainError, type TabMessage } from './tab-channel.js';
import { Timers } from './timers.js';
import { readTokenSubject } from './token.js';
import { connect, ignoreUnhandled, Usher } from './usher.js';

/** The options of `connectShared`. */
export interface SharedOptions extends ConnectOptions {
  /** The user who is signed in, as in the token's `sub`. Tabs of different users share nothing. */
  readonly userId: string;
}

/** Other tabs learn of a new state at most this much later. Each state is sent whole, and events may come in bursts. */
const STATE_DELAY_MS = 50;
/** Seconds between two heartbeats until the server's response says otherwise. */
const HEARTBEAT_SECONDS = 60;

/**
 * Connects like {@link connect}, with one connection for all tabs of this user and device: one tab holds it, and when that tab is
 * closed another one takes over. Each open tab receives each event. Where the browser has no Web Locks or BroadcastChannel (a page
 * that is not served securely) it is the same as `connect`, and the newest tab supersedes the others.
 * Throws a TypeError if `url` is not a URL.
 */
export function connectShared(options: SharedOptions): UsherClient {
  const { navigator, BroadcastChannel } = globalThis as unknown as Browser;
  if (!navigator?.locks || !BroadcastChannel) return connect(options);
  return new SharedUsher(options, navigator.locks, BroadcastChannel);
}

/** What is used of the browser's globals. (TypeScript's own types of them would be needed by every app, in Node too.) */
interface Browser {
  readonly navigator?: { readonly locks?: Locks };
  readonly BroadcastChannel?: new (name: string) => Channel;
}
interface Locks {
  request(name: string, options: { signal: AbortSignal }, hold: () => Promise<void>): Promise<unknown>;
}
interface Channel {
  postMessage(message: TabMessage): void;
  addEventListener(name: 'message', listener: (event: { readonly data: TabMessage }) => void): void;
  close(): void;
}

/** One tab of {@link connectShared}. */
class SharedUsher implements UsherClient {
  private readonly emitter = new EventEmitter();
  private readonly timers = new Timers();
  private readonly channel: Channel;
  private readonly lock = new AbortController();
  private readonly calls: TabCalls;
  private currentState: State = Object.freeze({
    ...EMPTY_STATE,
    connection: 'connecting',
    position: undefined,
  });
  /** The connection, if this tab has it. */
  private leader: Usher | undefined;
  /** This tab connects after another one led. Until it is live all tabs go on showing what they know. */
  private isTakingOver = false;
  private clockOffsetMs = 0;
  private loops = 0;
  /** The last durable event that this tab delivered. After a change of the leading tab it may be sent again. */
  private heard: { readonly epoch: string | undefined; readonly offset: number } | undefined;

  constructor(
    private readonly options: SharedOptions,
    locks: Locks,
    BroadcastChannel: new (name: string) => Channel,
  ) {
    const { url } = resolveOptions(options);
    const name = getTabsName(url, options.userId, options.deviceId);
    this.channel = new BroadcastChannel(name);
    this.channel.addEventListener('message', ({ data }) => this.receive(data));
    this.calls = new TabCalls((message) => this.post(message));
    this.post({ kind: 'hello' });
    // The lock is held until this tab closes the client, or is closed itself.
    locks
      .request(name, { signal: this.lock.signal }, () => this.lead())
      .catch((error: unknown) => !this.lock.signal.aborted && this.emitter.emitError(error));
  }

  get state(): State {
    return this.leader && !this.isTakingOver ? this.leader.state : this.currentState;
  }

  on<Name extends keyof Signals>(signal: Name, listener: (value: Signals[Name]) => void): Unsubscribe;
  on<Type extends keyof UsherEvents>(type: Type, listener: (event: EventOf<Type>) => void): Unsubscribe;
  on(type: string, listener: (event: Envelope) => void): Unsubscribe;
  on(name: string, listener: (value: never) => void): Unsubscribe {
    return this.emitter.on(name, listener);
  }

  beat(beat: Beat): Promise<BeatAnswer> {
    const at = beat.at ?? new Date(Date.now() + this.clockOffsetMs).toISOString();
    return ignoreUnhandled(
      this.calls.call({ method: 'beat', argument: { ...beat, at } }) as Promise<BeatAnswer>,
    );
  }

  playing(get: () => Beat): () => void {
    return startHeartbeatLoop({
      timers: this.timers,
      timerName: `heartbeat ${++this.loops}`,
      getBeat: get,
      sendBeat: (beat) => this.beat(beat),
      getIntervalSeconds: () => HEARTBEAT_SECONDS,
      onError: (error) => this.emitter.emitError(error),
    });
  }

  receipt(receipt: Receipt): Promise<void> {
    return ignoreUnhandled(this.calls.call({ method: 'receipt', argument: receipt }).then(() => undefined));
  }

  applied(event: Pick<Envelope, 'id'>): Promise<void> {
    return this.receipt({ ids: [event.id], state: 'applied' });
  }

  seen(event: Pick<Envelope, 'id'>): Promise<void> {
    return this.receipt({ ids: [event.id], state: 'seen' });
  }

  updateDevice(update: DeviceUpdate): Promise<void> {
    const response = this.calls.call({ method: 'updateDevice', argument: update });
    return ignoreUnhandled(response.then(() => undefined));
  }

  close(): void {
    this.shutDown(new UsherError('closed', 'the client was closed', false));
  }

  /** Holds the connection for all tabs until this client is closed. */
  private lead(): Promise<void> {
    if (this.lock.signal.aborted) return Promise.resolve();
    const { token } = this.options;
    const leader = new Usher({
      ...this.options,
      token: typeof token === 'string' ? token : () => this.check(token),
    });
    this.leader = leader;
    if (typeof token === 'string') void this.check(() => token);
    this.isTakingOver = this.currentState.position !== undefined;
    leader.on('change', () => this.adoptLeaderState(leader));
    leader.on('*', (event) => {
      this.post({ kind: 'event', event });
      this.deliver(event);
    });
    leader.on('offline', (error) => {
      this.post({ kind: 'offline', error: toPlainError(error) });
      this.emitter.emit('offline', error);
    });
    leader.on('refused', (error) => {
      this.post({ kind: 'refused', error: toPlainError(error) });
      this.refuse(error);
    });
    leader.on('error', (error) => this.emitter.emitError(error));
    this.calls.lead(leader);
    this.post({ kind: 'leading' });
    return new Promise((resolve) => this.lock.signal.addEventListener('abort', () => resolve()));
  }

  /** Returns the token. One of another user would show to this user's tabs what is not theirs: it closes the client. */
  private async check(getToken: () => string | Promise<string>): Promise<string> {
    const token = await getToken();
    const subject = readTokenSubject(token);
    if (subject === undefined || subject === this.options.userId) return token;
    this.leader?.fail(new UsherError('user_changed', 'the token is of another user', false));
    return token; // nobody uses it: the client is closed
  }

  private adoptLeaderState(leader: Usher): void {
    if (leader.state.connection === 'live') this.isTakingOver = false;
    this.adoptState(
      this.isTakingOver ? { ...this.currentState, connection: leader.state.connection } : leader.state,
    );
    this.clockOffsetMs = leader.serverNow() - Date.now();
    this.timers.set('state', STATE_DELAY_MS, () => this.sendState());
  }

  private adoptState(state: State): void {
    this.currentState = Object.freeze(state);
    this.emitter.emit('change', state);
  }

  private post(message: TabMessage): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a BroadcastChannel has none
    this.channel.postMessage(message);
  }

  private sendState(): void {
    const { state, clockOffsetMs } = this;
    this.post({ kind: 'state', state, clockOffsetMs });
  }

  private deliver(event: Envelope): void {
    if (event.offset !== undefined) {
      const { heard } = this;
      if (heard && heard.epoch === event.epoch && event.offset <= heard.offset) return;
      this.heard = { epoch: event.epoch, offset: event.offset };
    }
    if (!SIGNALS.has(event.type)) this.emitter.emit(event.type, event);
    this.emitter.emit('*', event);
  }

  private receive(message: TabMessage): void {
    if (this.calls.receive(message)) return;
    if (this.leader) {
      if (message.kind === 'hello') this.sendState();
      return;
    }
    if (message.kind === 'state') {
      this.clockOffsetMs = message.clockOffsetMs;
      this.adoptState(message.state);
    } else if (message.kind === 'event') this.deliver(message.event);
    else if (message.kind === 'offline') this.emitter.emit('offline', fromPlainError(message.error));
    else if (message.kind === 'refused') this.refuse(fromPlainError(message.error));
  }

  private refuse(error: UsherError): void {
    this.shutDown(error);
    this.emitter.emit('refused', error);
  }

  private shutDown(reason: UsherError): void {
    if (this.lock.signal.aborted) return;
    this.timers.stop();
    this.calls.close(toUsherError(reason, 'closed'));
    this.leader?.close();
    this.adoptState({ ...this.currentState, connection: 'closed' });
    this.channel.close();
    this.lock.abort();
  }
}
