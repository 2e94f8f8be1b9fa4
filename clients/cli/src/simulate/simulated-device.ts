import { io, type Socket } from 'socket.io-client';
import type { Beat, Envelope, State } from '../../../web/src/index.js';
import { Usher } from '../../../web/src/usher.js';
import type { ListeningDevice } from './ledger.js';

/** Nobody listens there: a device without a network reaches nobody either. */
const NOWHERE = 'http://127.0.0.1:1';

/** What a device is told at its start. */
export interface SimulatedDeviceOptions {
  readonly url: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly platform: 'tv' | 'ios' | 'web';
  readonly token: () => Promise<string>;
  readonly onEvent: (device: SimulatedDevice, event: Envelope) => void;
}

/** A device with the web client, which behaves as in an app; only its network can be taken away. */
export class SimulatedDevice implements ListeningDevice {
  readonly userId: string;
  readonly deviceId: string;
  liveSince = Number.POSITIVE_INFINITY;
  /** Why it is not connected, when it is not. */
  lastError = '';
  private readonly client: Usher;
  private socket: Socket | undefined;
  private hasNetwork = true;

  constructor({ url, userId, deviceId, platform, token, onEvent }: SimulatedDeviceOptions) {
    this.userId = userId;
    this.deviceId = deviceId;
    const options = { url, token, deviceId, platform };
    this.client = new Usher(options, (origin, dialed) => {
      this.socket = io(this.hasNetwork ? origin : NOWHERE, dialed);
      return this.socket;
    });
    this.client.on('*', (event) => onEvent(this, event));
    this.client.on('change', ({ connection }) => this.noteConnection(connection));
    for (const signal of ['offline', 'refused'] as const)
      this.client.on(signal, ({ code, message }) => (this.lastError = `${code}: ${message}`));
    this.client.on('error', () => undefined); // what it recovers from
  }

  get isLive(): boolean {
    return this.liveSince !== Number.POSITIVE_INFINITY;
  }

  get state(): State {
    return this.client.state;
  }

  loseNetwork(): void {
    this.hasNetwork = false;
    this.socket?.io.engine?.close();
  }

  /** The client finds out by itself, after its own pause. */
  findNetwork(): void {
    this.hasNetwork = true;
  }

  /** Never rejects: a person does not watch heartbeats. */
  beat(beat: Beat): void {
    this.client.beat(beat).catch(() => undefined);
  }

  close(): void {
    this.client.close();
  }

  private noteConnection(connection: State['connection']): void {
    if (connection !== 'live') this.liveSince = Number.POSITIVE_INFINITY;
    else if (!this.isLive) this.liveSince = performance.now();
  }
}
