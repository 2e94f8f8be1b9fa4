import { NodeWebSocket } from 'engine.io-client';
import { io } from 'socket.io-client';
import type { Dial } from '../../../clients/web/src/socket-connection.js';

type Fields = Readonly<Record<string, unknown>>;

const HELLO = { sid: 's', upgrades: [], pingInterval: 20_000, pingTimeout: 15_000, maxPayload: 1_000_000 };

/** A message from the client that asks for an acknowledgement. */
export interface Sent {
  readonly name: string;
  readonly payload: Fields;
  readonly ackId: string;
}

/** Called when the client acknowledges a frame, with the payload of that frame. */
export type OnAck = (payload: Fields) => void;

/** One WebSocket of the client, and the server behind it (clients/conformance/README.md, "The fake"). */
export class FakeLine {
  onopen: () => void = () => undefined;
  onclose: (event: unknown) => void = () => undefined;
  onmessage: (event: { data: string }) => void = () => undefined;
  onerror: (event: unknown) => void = () => undefined;
  binaryType = '';
  /** The handshake, once the client has sent it. */
  auth: Fields | undefined;
  readonly sent: Sent[] = [];
  /** Frames whose acknowledgement is awaited, by id. */
  readonly unacked = new Map<string, Fields>();
  closedByClient = false;
  isOpen = true;
  largestFrameBytes = 0;
  /** How many messages the client sent that ask for an acknowledgement. */
  messages = 0;
  private isAccepted = false;
  private frames = 0;
  private readonly pinger = setInterval(() => this.receive('2'), HELLO.pingInterval);

  constructor(private readonly onAck: OnAck) {
    queueMicrotask(() => {
      this.onopen();
      this.receive(`0${JSON.stringify(HELLO)}`);
    });
  }

  /** The client's side: a text message. */
  send(text: string): void {
    this.largestFrameBytes = Math.max(this.largestFrameBytes, Buffer.byteLength(text));
    const [, kind, ackId = '', json = ''] = /^(40|41|42|43|[123])(\d*)(.*)$/s.exec(text) ?? [];
    if (kind === '40') this.auth = JSON.parse(json) as Fields;
    else if (kind === '42') {
      const [name, payload] = JSON.parse(json) as [string, Fields];
      this.messages++;
      this.sent.push({ name, payload, ackId });
    } else if (kind === '43') {
      const payload = this.unacked.get(ackId);
      this.unacked.delete(ackId);
      if (payload) this.onAck(payload);
    } else if (kind === undefined) throw new Error(`the client sent ${text.slice(0, 100)}`);
  }

  /** The client's side: it closes. */
  close(): void {
    if (!this.isOpen) return;
    this.closedByClient = true;
    this.end();
    queueMicrotask(() => this.onclose({}));
  }

  /** Sends a frame, after accepting the handshake. */
  sendFrame(name: string, payload: unknown, { asksForAck = false } = {}): void {
    if (!this.isAccepted) this.receive('40{"sid":"s"}');
    this.isAccepted = true;
    const ackId = asksForAck ? String(this.frames++) : '';
    if (asksForAck) this.unacked.set(ackId, payload as Fields);
    this.receive(`42${ackId}${JSON.stringify([name, payload])}`);
  }

  refuse(error: Fields): void {
    this.receive(`44${JSON.stringify({ message: error['code'], data: error })}`);
  }

  reply({ ackId }: Sent, payload: unknown): void {
    this.receive(`43${ackId}${JSON.stringify([payload])}`);
  }

  /** Ends the connection without a goodbye. */
  cut(): void {
    this.end();
    this.onclose({});
  }

  stopPings(): void {
    clearInterval(this.pinger);
  }

  private end(): void {
    this.isOpen = false;
    this.stopPings();
  }

  private receive(text: string): void {
    if (this.isOpen) this.onmessage({ data: text });
  }
}

/** Returns a dial that opens fake lines with the real Socket.IO client on them. */
export function createDial(open: () => FakeLine): Dial {
  class FakeTransport extends NodeWebSocket {
    override createSocket(): unknown {
      return open();
    }
  }
  return (origin, options) => io(origin, { ...options, transports: [FakeTransport as never] });
}
