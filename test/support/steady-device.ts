import { connectDevice, type Device } from './device.js';
import { mintToken } from './usher.js';

/**
 * A device as an app would be: it keeps its position, comes back by itself to whichever node answers, and applies each
 * durable event once, in the order of offsets.
 */
export class SteadyDevice {
  /** The data of what it applied, in order. */
  readonly applied: unknown[] = [];
  /** Events of other users, or that broke the order: must stay empty. */
  readonly wrong: string[] = [];
  private position: { epoch: string; offset: number } | undefined;
  private device: Device | undefined;
  private closed = false;
  private attempt = 0;

  constructor(
    readonly userId: string,
    readonly deviceId: string,
    private readonly urls: readonly string[],
  ) {}

  async start(): Promise<void> {
    await this.connect();
    void this.stay();
  }

  get connected(): boolean {
    return this.device?.socket.connected ?? false;
  }

  close(): void {
    this.closed = true;
    this.device?.close();
  }

  private async stay(): Promise<void> {
    while (!this.closed) {
      if (!this.connected) await this.connect().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 50));
    }
  }

  private async connect(): Promise<void> {
    const url = this.urls[this.attempt++ % this.urls.length] as string;
    const token = await mintToken(this.userId);
    const { position } = this;
    this.device = await connectDevice(url, this.deviceId, {
      token,
      ...(position && { position }),
      onFrame: (event, payload) => this.read(event, payload),
    });
  }

  private read(event: string, payload: Record<string, unknown>): void {
    if (event === 'welcome') {
      const { epoch, offset, resume } = payload as { epoch: string; offset: number; resume: string };
      if (resume === 'snapshot') this.position = { epoch, offset };
      this.position ??= { epoch, offset: 0 };
      return;
    }
    const { offset, data } = payload as { offset?: number; data?: { userId?: string } };
    if (offset === undefined || !this.position || offset <= this.position.offset) return;
    if (data?.userId !== this.userId) this.wrong.push(`event ${offset} of ${data?.userId}`);
    if (offset !== this.position.offset + 1) this.wrong.push(`${this.position.offset} then ${offset}`);
    this.position = { ...this.position, offset };
    this.applied.push(data);
  }
}
