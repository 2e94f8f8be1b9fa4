import { AbstractClient, ignoreUnhandled } from './abstract-client.js';
import type { UsherClient } from './client.js';
import { toDeviceMessage, type DeviceUpdate } from './device-update.js';
import type { UsherError } from './errors.js';
import { completeBeat, toMessage, toProgress, type Beat, type BeatAnswer } from './heartbeat.js';
import { resolveOptions, type ConnectOptions, type ResolvedOptions } from './options.js';
import { ProtocolClient, type ProtocolClientHandlers } from './protocol-client.js';
import { toReceiptMessage, type Receipt } from './receipt.js';
import type { Dial } from './socket-connection.js';
import { toState, type State } from './state.js';
import { isSeconds } from './validation.js';

/** The client that holds a connection of its own. Created by {@link connect}. */
export class Usher extends AbstractClient {
  private readonly options: ResolvedOptions;
  private readonly client: ProtocolClient;
  private updates = 0;
  private currentState: State | undefined;

  /** @internal Use {@link connect}. */
  constructor(options: ConnectOptions, dial?: Dial) {
    super();
    this.options = resolveOptions(options);
    const handlers: ProtocolClientHandlers = {
      onEvent: (event) => this.emitEvent(event),
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

  /** @internal */
  get heartbeatSeconds(): number {
    return this.client.heartbeatSeconds;
  }

  beat(beat: Beat): Promise<BeatAnswer> {
    return ignoreUnhandled(this.sendBeat(beat));
  }

  receipt(receipt: Receipt): Promise<void> {
    return ignoreUnhandled(this.client.outbox.send(toReceiptMessage(receipt)).then(() => undefined));
  }

  updateDevice(update: DeviceUpdate): Promise<void> {
    const message = toDeviceMessage(update, ++this.updates);
    return ignoreUnhandled(this.client.outbox.send(message).then(() => undefined));
  }

  /** @internal The server's time in ms since 1970, as far as it is known. */
  serverNow(): number {
    return this.client.clock.now();
  }

  protected shutDown(reason: UsherError): void {
    this.timers.stop();
    this.client.close(reason);
  }

  private async sendBeat(beat: Beat): Promise<BeatAnswer> {
    const complete = completeBeat(beat, this.options.profileId, this.client.clock.now());
    const { nextSeconds } = await this.client.outbox.send(toMessage(complete));
    this.client.inbox.addProgress(toProgress(complete, this.options.deviceId));
    return { nextSeconds: isSeconds(nextSeconds) ? nextSeconds : this.client.heartbeatSeconds };
  }

  private emitChange(): void {
    const previous = this.currentState;
    if (this.state !== previous) this.emitter.emit('change', this.state);
  }
}

/**
 * Connects to Usher and stays connected until `close()` or a refusal for good. Returns at once: a listener that is added before
 * the next `await` misses nothing. Throws a TypeError if `url` is not a URL.
 */
export function connect(options: ConnectOptions): UsherClient {
  return new Usher(options);
}
