import type { Response } from 'express';
import type { LiveScope } from './live-buckets.js';
import type { LiveUpdate, LiveViewer } from './live-engagement.service.js';

/** Proxies end a response that is silent for about a minute. */
const KEEP_ALIVE_MS = 15_000;
/** Some minutes of updates. Who is further behind does not read: it may connect again, and go on where it was. */
const MAX_UNREAD_BYTES = 256 * 1_024;

/** Writes updates as Server-Sent Events; `id` is the version, so that a browser that connects again goes on where it was. */
export class ViewerTransport implements LiveViewer {
  private readonly keepAlive: NodeJS.Timeout;

  constructor(
    private readonly response: Response,
    readonly scope: LiveScope,
    readonly lastVersion: number,
    readonly access: LiveViewer['access'],
  ) {
    this.keepAlive = setInterval(() => this.write(': still here\n\n'), KEEP_ALIVE_MS);
    response.once('close', () => clearInterval(this.keepAlive));
  }

  /** Returns false, and closes the connection, when too much of what was sent before is not read yet. */
  send({ version, ...update }: LiveUpdate): boolean {
    return this.write(`id: ${version}\nevent: buckets\ndata: ${JSON.stringify({ version, ...update })}\n\n`);
  }

  close(): void {
    this.response.destroy();
  }

  private write(text: string): boolean {
    if (this.response.destroyed) return true;
    if (this.response.writableLength > MAX_UNREAD_BYTES) {
      this.response.destroy();
      return false;
    }
    if (!this.response.headersSent) this.begin();
    this.response.write(text);
    return true;
  }

  private begin(): void {
    this.response.status(200);
    this.response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
    this.response.setHeader('Cache-Control', 'no-store');
    this.response.setHeader('X-Accel-Buffering', 'no');
    this.response.flushHeaders();
  }
}
