import { connect, type Beat, type Connection, type Envelope, type State, type Usher } from '@usher/client';
import type { Session } from '../session.js';

export interface DeviceOptions {
  readonly session: Session;
  readonly deviceId: string;
  readonly name: string;
  readonly platform: 'android' | 'tv' | 'web';
  /** The push address of this device, if it has one. */
  readonly push?: { readonly kind: string; readonly address: string } | undefined;
  /** An event was received, `delayMs` after it happened. */
  readonly onEvent: (event: Envelope, delayMs: number) => void;
  /** The device has caught up after an absence: the number of missed events, and the offset that it has read to. */
  readonly onCaughtUp: (missedEvents: number, offset: number) => void;
  readonly onError: (message: string) => void;
  readonly onChange: () => void;
}

/** Time for the missed events of a replay, which follow the welcome one by one. */
const CATCH_UP_MS = 400;

/** One installation of the app. It has a client of its own while it is plugged in. */
export class Device {
  /** The newest known state. It is kept while the device is unplugged, so that the screen keeps what it showed. */
  state: State | undefined;
  private client: Usher | undefined;
  /** Events of the last absence that were received since. Undefined once the device has caught up. */
  private missedEvents: number | undefined;
  private liveSince = Infinity;
  private catchUpTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: DeviceOptions) {}

  get connection(): Connection | 'unplugged' {
    return this.client ? this.client.state.connection : 'unplugged';
  }

  plugIn(): void {
    const { deviceId, platform, onError, onChange } = this.options;
    if (this.client) return;
    const client = connect({
      url: location.origin,
      token: () => this.register(),
      deviceId,
      platform,
      appVersion: 'page',
      storage: sessionStorage, // lives as long as the tab, like its devices
    });
    this.client = client;
    this.markAway();
    client.on('*', (event) => this.handleEvent(event));
    client.on('change', (state) => this.handleChange(state));
    client.on('refused', (error) => onError(`refused: ${error.message}`));
    client.on('error', (error) => onError(error instanceof Error ? error.message : String(error)));
    onChange();
  }

  unplug(): void {
    this.client?.close();
    this.client = undefined;
    this.markAway();
    this.options.onChange();
  }

  /** Sends the playback position. While offline the client keeps the newest beat of each show. */
  beat(beat: Beat): void {
    this.client?.beat(beat).catch((error: unknown) => this.options.onError(`beat: ${String(error)}`));
  }

  /** Sends a receipt. Resolves to whether the server accepted it. */
  sendReceipt(event: Envelope, state: 'applied' | 'seen'): Promise<boolean> {
    const sent = this.client?.receipt({ ids: [event.id], state }) ?? Promise.reject(new Error('unplugged'));
    return sent.then(
      () => true,
      () => false,
    );
  }

  /** Registers the device before each connection, because the other devices show it by its name. Returns a token. */
  private async register(): Promise<string> {
    const { session, deviceId, name, platform, push } = this.options;
    const body = { name, platform, locale: navigator.language, push };
    await session.callApi('PUT', `/v1/me/devices/${encodeURIComponent(deviceId)}`, body);
    return session.getToken();
  }

  private handleEvent(event: Envelope): void {
    const at = Date.parse(event.at);
    if (this.missedEvents !== undefined && event.offset !== undefined && at < this.liveSince)
      this.missedEvents += 1;
    this.options.onEvent(event, Math.max(0, Date.now() - at));
  }

  private handleChange(state: State): void {
    // A new client knows nothing yet. Until it does, the screen keeps what it showed.
    if (state.membership || !this.state) this.state = state;
    if (state.connection === 'live') this.markLive();
    else this.markAway();
    this.options.onChange();
  }

  private markAway(): void {
    clearTimeout(this.catchUpTimer);
    this.catchUpTimer = undefined;
    this.missedEvents ??= 0;
    this.liveSince = Infinity;
  }

  private markLive(): void {
    if (this.missedEvents === undefined || this.catchUpTimer !== undefined) return;
    this.liveSince = Date.now();
    this.catchUpTimer = setTimeout(() => this.finishCatchUp(), CATCH_UP_MS);
  }

  private finishCatchUp(): void {
    this.catchUpTimer = undefined;
    this.options.onCaughtUp(this.missedEvents ?? 0, this.client?.state.position?.offset ?? 0);
    this.missedEvents = undefined;
  }
}
