import { connect, type Beat, type Connection, type Envelope, type State, type Usher } from '@usher/client';
import type { Session } from './session.js';

export interface DeviceOptions {
  readonly session: Session;
  readonly deviceId: string;
  readonly name: string;
  readonly platform: 'android' | 'tv' | 'web';
  /** Where it is reached while it is unplugged, if anywhere. */
  readonly push?: { readonly kind: string; readonly address: string } | undefined;
  /** An event that this device had not heard before, and how long after it happened. */
  readonly heard: (event: Envelope, ms: number) => void;
  /** It is in step after an absence: how many events it had missed, and how far it has read now. */
  readonly caughtUp: (missed: number, offset: number) => void;
  readonly trouble: (text: string) => void;
  readonly changed: () => void;
}

/** After a short break the missed events follow the welcome; a snapshot comes with it. */
const CATCH_UP_MS = 400;

/** One installation of the app: a client of its own, which is there while the device is plugged in. */
export class Device {
  /** What it knows, also while it is unplugged: what was on the screen stays there. */
  state: State | undefined;
  private client: Usher | undefined;
  /** Events of its absence that it has heard since; undefined while it is in step. */
  private missed: number | undefined;
  private backSince = Infinity;
  private settling: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: DeviceOptions) {}

  get connection(): Connection | 'unplugged' {
    return this.client ? this.client.state.connection : 'unplugged';
  }

  async plugIn(): Promise<void> {
    const { session, deviceId, name, platform, push } = this.options;
    if (this.client) return;
    const client = connect({
      url: location.origin,
      token: () => this.introduce(session, { name, platform, locale: navigator.language, push }),
      deviceId,
      platform,
      appVersion: 'page',
      storage: sessionStorage, // as long as the tab, whose devices these are
    });
    this.client = client;
    this.away();
    client.on('*', (event) => this.hear(event));
    client.on('change', (state) => this.turn(state));
    client.on('refused', (why) => this.options.trouble(`refused: ${why.message}`));
    client.on('error', (error) =>
      this.options.trouble(error instanceof Error ? error.message : String(error)),
    );
    this.options.changed();
  }

  unplug(): void {
    this.client?.close();
    this.client = undefined;
    this.away();
    this.options.changed();
  }

  /** What cannot be sent now is sent on return by the client, or superseded by then. */
  beat(beat: Beat): void {
    this.client?.beat(beat).catch((error: unknown) => this.options.trouble(`beat: ${String(error)}`));
  }

  /** Says how far the event got here; resolves to whether the server took it. */
  receipt(event: Envelope, state: 'applied' | 'seen'): Promise<boolean> {
    const sent = this.client?.receipt({ ids: [event.id], state }) ?? Promise.reject(new Error('unplugged'));
    return sent.then(
      () => true,
      () => false,
    );
  }

  /** The user's other devices show this one by its name; so it says it before it connects. */
  private async introduce(session: Session, body: Readonly<Record<string, unknown>>): Promise<string> {
    await session.call('PUT', `/v1/me/devices/${encodeURIComponent(this.options.deviceId)}`, body);
    return session.token();
  }

  private hear(event: Envelope): void {
    const at = Date.parse(event.at);
    if (this.missed !== undefined && event.offset !== undefined && at < this.backSince) this.missed += 1;
    this.options.heard(event, Math.max(0, Date.now() - at));
  }

  private turn(state: State): void {
    // A client that begins knows nothing yet; until it does, the screen keeps what it showed.
    if (state.membership || !this.state) this.state = state;
    if (state.connection === 'live') this.back();
    else this.away();
    this.options.changed();
  }

  private away(): void {
    clearTimeout(this.settling);
    this.settling = undefined;
    this.missed ??= 0;
    this.backSince = Infinity;
  }

  private back(): void {
    if (this.missed === undefined || this.settling !== undefined) return;
    this.backSince = Date.now();
    this.settling = setTimeout(() => this.inStep(), CATCH_UP_MS);
  }

  private inStep(): void {
    this.settling = undefined;
    this.options.caughtUp(this.missed ?? 0, this.client?.state.position?.offset ?? 0);
    this.missed = undefined;
  }
}
