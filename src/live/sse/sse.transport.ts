import type { Response } from 'express';
import type { EventHeader } from '../../mailbox/events/outgoing-event.js';
import type { Position } from '../../mailbox/position.js';
import type { EventFrame } from '../connection/frame.js';
import type { ControlFrame, Transport } from '../connection/transport.js';
import type { LastEventId } from './last-event-id.js';

/** Proxies end a response that is silent for about a minute. */
const KEEP_ALIVE_MS = 15_000;

/**
 * Writes frames as Server-Sent Events; `id` is the position, so that a browser's own reconnect resumes. There are no
 * acknowledgements, so no event gets the receipt `received`, and no commands, so there are no responses.
 */
export class SseTransport implements Transport {
  readonly acknowledges = false;
  private readonly keepAlive: NodeJS.Timeout;

  /** `lastEventId`: how far the listener had read when it came. */
  constructor(
    private readonly response: Response,
    private readonly lastEventId: LastEventId,
  ) {
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

  /** Event streams are few: each encodes its text as it writes. */
  encode(): void {}

  write(events: readonly EventFrame[]): void {
    this.send(events.map((event) => this.eventText(event)).join(''));
  }

  emit(frame: ControlFrame, payload: unknown): void {
    const id =
      frame === 'snapshot' ? idLine(this.lastEventId.read((payload as { position: Position }).position)) : '';
    this.send(`${id}event: ${frame}\ndata: ${JSON.stringify(payload)}\n\n`);
  }

  disconnect(): void {
    clearInterval(this.keepAlive);
    this.response.end();
  }

  terminate(): void {
    clearInterval(this.keepAlive);
    this.response.destroy();
  }

  /** The body is `["type",{…}]`, and a type holds neither comma nor quote. */
  private eventText({ header, body }: EventFrame): string {
    return `${this.idOf(header)}event: ${header.type}\ndata: ${body.slice(body.indexOf(',') + 1, -1)}\n\n`;
  }

  private idOf({ epoch, offset, broadcast }: EventHeader): string {
    if (epoch === undefined) return '';
    if (offset !== undefined) return idLine(this.lastEventId.read({ epoch, offset }));
    return broadcast === undefined
      ? ''
      : idLine(this.lastEventId.readBroadcast({ epoch, number: broadcast }));
  }

  private send(text: string): void {
    if (!this.response.writableEnded) this.response.write(text);
  }
}

const idLine = (id: string): string => `id: ${id}\n`;
