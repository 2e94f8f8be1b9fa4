import type { CheckedDevice } from '../consistency-checker.js';
import { EventLog } from '../event-log.js';
import { connectDevice, type Device } from './device.js';
import { mintToken } from './usher.js';

/**
 * A device that behaves like an app: it keeps its position, reconnects by itself to the next node, and applies each durable
 * event once, in the order of offsets.
 */
export class ReconnectingDevice implements CheckedDevice {
  readonly eventLog = new EventLog();
  /** The reasons for which it was disconnected, in order. */
  readonly disconnectReasons: string[] = [];
  /** The `goaway` frames that it received, in order. */
  readonly goaways: { readonly reason: string; readonly retryAfterMs: number; readonly at: number }[] = [];
  private device: Device | undefined;
  private closed = false;
  private attempt = 0;

  constructor(
    readonly userId: string,
    readonly deviceId: string,
    private readonly urls: readonly string[],
  ) {}

  /** Connects, and stays connected until `close`. */
  async start(): Promise<void> {
    await this.connect();
    void this.keepConnected();
  }

  get connected(): boolean {
    return this.device?.socket.connected ?? false;
  }

  close(): void {
    this.closed = true;
    this.device?.close();
  }

  private async keepConnected(): Promise<void> {
    while (!this.closed) {
      if (!this.connected) await this.connect().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 50));
    }
  }

  private async connect(): Promise<void> {
    const url = this.urls[this.attempt++ % this.urls.length] as string;
    const token = await mintToken(this.userId);
    const { position } = this.eventLog;
    const device = await connectDevice(url, this.deviceId, {
      token,
      ...(position && { position }),
      onFrame: (event, payload) => {
        if (event === 'goaway')
          this.leaveWhenAsked(payload as unknown as { reason: string; retryAfterMs: number });
        else this.eventLog.record(event, payload);
      },
    });
    device.socket.on('disconnect', (reason) => this.disconnectReasons.push(reason));
    this.device = device;
    if (this.closed) device.close();
  }

  /** Disconnects after the given time, as the contract asks, and reconnects to another node. */
  private leaveWhenAsked({ reason, retryAfterMs }: { reason: string; retryAfterMs: number }): void {
    this.goaways.push({ reason, retryAfterMs, at: Date.now() });
    const { device } = this;
    const leave = setTimeout(() => device?.close(), retryAfterMs);
    leave.unref();
  }
}
