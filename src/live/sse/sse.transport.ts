import type { Response } from 'express';
import type { Transport, ControlFrame } from '../connection/transport.js';
import type { Frame } from '../connection/frame.js';

/** Proxies cut a silent response after a minute or so. */
const KEEP_ALIVE_MS = 15_000;

/**
 * A device's line as Server-Sent Events: the same frames as on the socket. `id` is the position, so that a browser's own
 * reconnect resumes. There are no acks on this line, so its events are never `received`.
 */
export class SseTransport implements Transport {
  private readonly keepAlive: NodeJS.Timeout;

  constructor(private readonly response: Response) {
    response.status(200);
    response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('X-Accel-Buffering', 'no');
    response.flushHeaders();
    this.keepAlive = setInterval(() => this.send(': still here\n\n'), KEEP_ALIVE_MS);
    response.once('close', () => clearInterval(this.keepAlive));
  }

  get bufferedBytes(): number {
    return this.response.writableLength;
  }

  get sentBytes(): number {
    const { socket } = this.response;
    return socket ? socket.bytesWritten - socket.writableLength : 0;
  }

  expectAck(): boolean {
    return false;
  }

  forgetAck(): void {}

  write(frames: readonly Frame[]): void {
    this.send(frames.map(eventText).join(''));
  }

  emit(frame: ControlFrame, payload: unknown): void {
    this.send(
      `${frame === 'snapshot' ? idOf(payload) : ''}event: ${frame}\ndata: ${JSON.stringify(payload)}\n\n`,
    );
  }

  disconnect(): void {
    clearInterval(this.keepAlive);
    this.response.end();
  }

  terminate(): void {
    clearInterval(this.keepAlive);
    this.response.destroy();
  }

  private send(text: string): void {
    if (!this.response.writableEnded) this.response.write(text);
  }
}

/** The body reads `["type",{…}]`, and a type holds neither comma nor quote. */
function eventText({ heading, body }: Frame): string {
  const data = body.slice(body.indexOf(',') + 1, -1);
  const id = heading.offset === undefined ? '' : `id: ${heading.epoch}:${heading.offset}\n`;
  return `${id}event: ${heading.type}\ndata: ${data}\n\n`;
}

function idOf(snapshot: unknown): string {
  const { position } = snapshot as { position: { epoch: string; offset: number } };
  return `id: ${position.epoch}:${position.offset}\n`;
}
