import { AbstractClient, ignoreUnhandled } from './abstract-client.js';
import type { UsherClient } from './client.js';
import type { DeviceUpdate } from './device-update.js';
import { isKnownBroadcast, type BroadcastPosition } from './cursor.js';
import { isBroadcast, type Envelope } from './envelope.js';
import { UsherError } from './errors.js';
import type { Beat, BeatAnswer } from './heartbeat.js';
import { resolveOptions, type ConnectOptions } from './options.js';
import type { Receipt } from './receipt.js';
import { EMPTY_STATE, type State } from './state.js';
import { TabCalls } from './tab-calls.js';
import { fromPlainError, getTabsName, toPlainError, type TabMessage } from './tab-channel.js';
import { readTokenSubject } from './token.js';
import { Usher } from './usher.js';

/** The options of `connectShared`. */
export interface SharedOptions extends ConnectOptions {
  /** The user who is signed in, as in the token's `sub`. Tabs of different users share nothing. */
  readonly userId: string;
}

/** Other tabs learn of a new state at most this much later. Each state is sent whole, and events may come in bursts. */
const STATE_DELAY_MS = 50;
/** Seconds between two heartbeats until a welcome says otherwise. */
const DEFAULT_HEARTBEAT_SECONDS = 60;

/**
 * Connects like {@link connect}, with one connection for all tabs of this user and device: one tab holds it, and when that tab is
 * closed another one takes over. Each open tab receives each event. Where the browser has no Web Locks or BroadcastChannel (a page
 * that is not served securely) or forbids them, each tab has a connection of its own, and the newest tab supersedes the others.
 * A token of another user closes the client as `user_changed`.
 * Throws a TypeError if `url` is not a URL.
 */
export function connectShared(options: SharedOptions): UsherClient {
  const { navigator, BroadcastChannel } = globalThis as unknown as Browser;
  if (!navigator?.locks || !BroadcastChannel) return connectAs(options);
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

/** Returns a client for the user of the options: a token of another one would show what is not theirs, and closes it. */
function connectAs(options: SharedOptions): Usher {
  const { token, userId } = options;
  const check = (value: string): string => {
    const subject = readTokenSubject(value);
    const isOther = subject !== undefined && subject !== userId;
    if (isOther && client.state.connection !== 'closed')
      client.fail(new UsherError('user_changed', 'the token is of another user', false));
    return value; // a client that is closed does not use it
  };
  const isFixed = typeof token === 'string';
  const client = new Usher({ ...options, token: isFixed ? token : async () => check(await token()) });
  if (isFixed) queueMicrotask(() => check(token)); // listeners that are added at once hear of it
  return client;
}

/** One tab of {@link connectShared}. */
class SharedUsher extends AbstractClient {
  private readonly channel: Channel;
  private readonly lock = new AbortController();
  private readonly calls: TabCalls;
  private readonly profileId: string;
  private currentState: State = Object.freeze({
    ...EMPTY_STATE,
    connection: 'connecting',
    position: undefined,
  });
  /** The connection, if this tab has it. */
  private leader: Usher | undefined;
  /** This tab connects after another one led. Until it is live all tabs go on showing what they know. */
  private isTakingOver = false;
  private isClosed = false;
  private clockOffsetMs = 0;
  private currentHeartbeatSeconds = DEFAULT_HEARTBEAT_SECONDS;
  /** The last durable event that this tab delivered. After a change of the leading tab it may be sent again. */
  private heard: { readonly epoch: string | undefined; readonly offset: number } | undefined;
  /** The last broadcast that this tab delivered. */
  private heardBroadcast: BroadcastPosition | undefined;

  constructor(
    private readonly options: SharedOptions,
    locks: Locks,
    BroadcastChannel: new (name: string) => Channel,
  ) {
    super();
    const { url, profileId } = resolveOptions(options);
    this.profileId = profileId;
    const name = getTabsName(url, options.userId, options.deviceId);
    this.channel = new BroadcastChannel(name);
    this.channel.addEventListener('message', ({ data }) => this.receive(data));
    this.calls = new TabCalls((message) => this.post(message));
    this.post({ kind: 'hello' });
    // The lock is held until this tab closes the client, or is closed itself.
    locks
      .request(name, { signal: this.lock.signal }, () => this.lead())
      .catch((error: unknown) => this.handleLockError(error));
  }

  get state(): State {
    return this.leader && !this.isTakingOver ? this.leader.state : this.currentState;
  }

  /** @internal */
  get heartbeatSeconds(): number {
    return this.currentHeartbeatSeconds;
  }

  /** The profile and the time are those of this tab, whichever tab sends the beat. */
  beat(beat: Beat): Promise<BeatAnswer> {
    const at = beat.at ?? new Date(Date.now() + this.clockOffsetMs).toISOString();
    const argument = { ...beat, profileId: beat.profileId ?? this.profileId, at };
    return ignoreUnhandled(this.calls.call({ method: 'beat', argument }) as Promise<BeatAnswer>);
  }

  receipt(receipt: Receipt): Promise<void> {
    return ignoreUnhandled(this.calls.call({ method: 'receipt', argument: receipt }).then(() => undefined));
  }

  updateDevice(update: DeviceUpdate): Promise<void> {
    const response = this.calls.call({ method: 'updateDevice', argument: update });
    return ignoreUnhandled(response.then(() => undefined));
  }

  protected shutDown(reason: UsherError): void {
    if (this.isClosed) return;
    this.isClosed = true; // first: the listeners below may close it again
    this.timers.stop();
    this.calls.close(reason);
    this.leader?.close();
    this.adoptState({ ...this.currentState, connection: 'closed' });
    this.channel.close();
    this.lock.abort();
  }

  /** Holds the connection for all tabs until this client is closed. */
  private lead(): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    const leader = connectAs(this.options);
    this.leader = leader;
    this.isTakingOver = this.currentState.position !== undefined;
    this.listenTo(leader);
    this.calls.lead(leader);
    this.post({ kind: 'leading' });
    const { signal } = this.lock;
    const closed = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    this.adoptLeaderState(leader); // it connects since before anybody listened
    return closed;
  }

  /** A page may have Web Locks and not be allowed to use them. Then each tab connects by itself. */
  private handleLockError(error: unknown): void {
    if (this.isClosed) return;
    if (this.leader) this.emitter.emitError(error);
    else void this.lead();
  }

  private listenTo(leader: Usher): void {
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
      this.fail(error);
    });
    leader.on('error', (error) => this.emitter.emitError(error));
  }

  private adoptLeaderState(leader: Usher): void {
    if (leader.state.connection === 'live') this.isTakingOver = false;
    this.adoptState(
      this.isTakingOver ? { ...this.currentState, connection: leader.state.connection } : leader.state,
    );
    if (leader.state.connection === 'live') {
      this.clockOffsetMs = leader.serverNow() - Date.now();
      this.currentHeartbeatSeconds = leader.heartbeatSeconds;
    }
    // One that runs is left alone: while events keep coming, the others would learn of none of them.
    if (!this.timers.isSet('state')) this.timers.set('state', STATE_DELAY_MS, () => this.sendState());
  }

  private adoptState(state: State): void {
    this.currentState = Object.freeze(state);
    this.emitter.emit('change', state);
  }

  private post(message: TabMessage): void {
    if (this.isClosed) return; // the channel is closed, too
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a BroadcastChannel has none
    this.channel.postMessage(message);
  }

  private sendState(): void {
    const { state, clockOffsetMs, heartbeatSeconds } = this;
    this.post({ kind: 'state', state, clockOffsetMs, heartbeatSeconds });
  }

  private deliver(event: Envelope): void {
    if (event.offset !== undefined) {
      const { heard } = this;
      if (heard && heard.epoch === event.epoch && event.offset <= heard.offset) return;
      this.heard = { epoch: event.epoch, offset: event.offset };
    }
    if (isBroadcast(event)) {
      const position = { epoch: event.epoch, number: event.broadcast };
      if (isKnownBroadcast(this.heardBroadcast, position)) return;
      this.heardBroadcast = position;
    }
    this.emitEvent(event);
  }

  private receive(message: TabMessage): void {
    if (this.calls.receive(message)) return;
    if (this.leader) {
      if (message.kind === 'hello') this.sendState();
      // The last event of the tab that led before may arrive after its lock. It is stored as read, so nobody sends it again.
      else if (message.kind === 'event' && this.isTakingOver) this.deliver(message.event);
      return;
    }
    if (message.kind === 'state') {
      this.clockOffsetMs = message.clockOffsetMs;
      this.currentHeartbeatSeconds = message.heartbeatSeconds;
      this.adoptState(message.state);
    } else if (message.kind === 'event') this.deliver(message.event);
    else if (message.kind === 'offline') this.emitter.emit('offline', fromPlainError(message.error));
    else if (message.kind === 'refused') this.fail(fromPlainError(message.error));
  }
}
