import { type RawData, WebSocket } from 'ws';
import type { CheckedDevice } from '../consistency-checker.js';
import { EventLog } from '../event-log.js';
import type { Envelope } from './device.js';
import type { ConnectError } from './observed-socket.js';

const EVENT = /^42(\d*)\[/;

/**
 * A device that is cheap enough for thousands in one process: a bare WebSocket with just enough Socket.IO. It reconnects to the
 * next of its nodes at once when its connection breaks, and after `retryAfterMs` when it is rejected.
 */
export class LightweightDevice implements CheckedDevice {
  readonly eventLog = new EventLog();
  readonly connectErrors: ConnectError[] = [];
  connected = false;
  /** How often it received `welcome`. */
  welcomeCount = 0;
  private socket: WebSocket | undefined;
  private reconnectTimer: NodeJS.Timeout | undefined;
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
      this.reconnect(20);
    });
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.reconnectTimer);
    this.socket?.terminate();
  }

  private reconnect(afterMs: number): void {
    if (this.closed || this.reconnectTimer) return;
    this.reconnectTimer = setTimeout(() => {
      this.reconnectTimer = undefined;
      this.start();
    }, afterMs);
  }

  private read(text: string): void {
    if (text === '2') return this.send('3');
    if (text.startsWith('0')) return this.sendHandshake();
    if (text.startsWith('44')) return this.handleConnectError(text);
    const event = EVENT.exec(text);
    if (!event) return;
    const [name, payload] = JSON.parse(text.slice(event[0].length - 1)) as [string, Envelope];
    if (name === 'welcome') {
      this.connected = true;
      this.welcomeCount += 1;
    }
    this.eventLog.record(name, payload);
    if (event[1] !== '') this.send(`43${event[1]}[]`);
  }

  private sendHandshake(): void {
    const { token, deviceId } = this;
    const { position } = this.eventLog;
    const since = position && { epoch: position.epoch, offset: String(position.offset) };
    this.send(`40${JSON.stringify({ token, deviceId, platform: 'tv', ...since })}`);
  }

  private handleConnectError(text: string): void {
    const { data } = JSON.parse(text.slice(2)) as { data: ConnectError };
    this.connectErrors.push(data);
    this.reconnect(data.retryAfterMs ?? 1_000);
    this.socket?.terminate();
  }

  private send(text: string): void {
    this.socket?.send(text, () => undefined);
  }
}
