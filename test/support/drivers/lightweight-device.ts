import { type RawData, WebSocket } from 'ws';
import type { Envelope } from './device.js';
import { Diary } from '../event-log.js';
import type { Follower } from '../consistency-checker.js';

/** What a refused handshake says. */
export interface Refusal {
  readonly code: string;
  readonly retryAfterMs?: number;
}

const EVENT = /^42(\d*)\[/;

/**
 * A device that costs little, so that thousands fit into one process: a bare WebSocket that speaks just enough Socket.IO. It
 * comes back at once when its line breaks, and after `retryAfterMs` when it is refused, to the next of its nodes.
 */
export class LightDevice implements Follower {
  readonly diary = new Diary();
  readonly refusals: Refusal[] = [];
  connected = false;
  /** How often it was welcomed. */
  welcomes = 0;
  private socket: WebSocket | undefined;
  private again: NodeJS.Timeout | undefined;
  private closed = false;
  private attempt = 0;

  constructor(
    readonly userId: string,
    readonly deviceId: string,
    private readonly token: string,
    private readonly urls: readonly string[],
  ) {}

  start(): void {
    const url = this.urls[this.attempt++ % this.urls.length] as string;
    const address = `${url.replace(/^http/, 'ws')}/socket.io/?EIO=4&transport=websocket`;
    const socket = new WebSocket(address, { perMessageDeflate: false });
    this.socket = socket;
    socket.on('message', (data: RawData) => this.read((data as Buffer).toString('utf8')));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.connected = false;
      this.comeBack(20);
    });
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.again);
    this.socket?.terminate();
  }

  private comeBack(afterMs: number): void {
    if (this.closed || this.again) return;
    this.again = setTimeout(() => {
      this.again = undefined;
      this.start();
    }, afterMs);
  }

  private read(text: string): void {
    if (text === '2') return this.send('3');
    if (text.startsWith('0')) return this.shakeHands();
    if (text.startsWith('44')) return this.refused(text);
    const event = EVENT.exec(text);
    if (!event) return;
    const [name, payload] = JSON.parse(text.slice(event[0].length - 1)) as [string, Envelope];
    if (name === 'welcome') {
      this.connected = true;
      this.welcomes += 1;
    }
    this.diary.read(name, payload);
    if (event[1] !== '') this.send(`43${event[1]}[]`);
  }

  private shakeHands(): void {
    const { token, deviceId } = this;
    const { position } = this.diary;
    const since = position && { epoch: position.epoch, offset: String(position.offset) };
    this.send(`40${JSON.stringify({ token, deviceId, platform: 'tv', ...since })}`);
  }

  private refused(text: string): void {
    const { data } = JSON.parse(text.slice(2)) as { data: Refusal };
    this.refusals.push(data);
    this.comeBack(data.retryAfterMs ?? 1_000);
    this.socket?.terminate();
  }

  private send(text: string): void {
    this.socket?.send(text, () => undefined);
  }
}
