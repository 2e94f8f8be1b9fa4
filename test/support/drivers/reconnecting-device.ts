import { connectDevice, type Device } from './device.js';
import { EventLog } from '../event-log.js';
import type { CheckedDevice } from '../consistency-checker.js';
import { mintToken } from './usher.js';

/**
 * A device as an app would be: it keeps its position, comes back by itself to whichever node answers, and applies each
 * durable event once, in the order of offsets.
 */
export class ReconnectingDevice implements CheckedDevice {
  readonly eventLog = new EventLog();
  /** Why its connections ended, in order. */
  readonly disconnectReasons: string[] = [];
  /** The `goaway` that it was told, in order. */
  readonly goaways: { readonly reason: string; readonly retryAfterMs: number; readonly at: number }[] = [];
  private device: Device | undefined;
  private closed = false;
  private attempt = 0;
  private backAt = 0;

  constructor(
    readonly userId: string,
    readonly deviceId: string,
    private readonly urls: readonly string[],
  ) {}

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
      if (!this.connected && Date.now() >= this.backAt) await this.connect().catch(() => undefined);
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

  /** It leaves after the time that it was given, as the contract asks, and comes back elsewhere. */
  private leaveWhenAsked({ reason, retryAfterMs }: { reason: string; retryAfterMs: number }): void {
    this.goaways.push({ reason, retryAfterMs, at: Date.now() });
    const { device } = this;
    const leave = setTimeout(() => device?.close(), retryAfterMs);
    leave.unref();
  }
}
