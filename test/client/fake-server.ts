import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';

export type Auth = Record<string, string>;
type Payload = Record<string, unknown>;

/** The server's side of one device's connection. A test decides what the server sends. */
export class FakeConnection {
  /** The offsets of the events that the device acknowledged, in order. */
  readonly acknowledged: number[] = [];
  /** What the device sent: `[name, payload]`. */
  readonly messages: [string, Payload][] = [];
  /** Returns the acknowledgement of a message, or undefined to send none. A test may replace it. */
  respond: (name: string, payload: Payload) => unknown = () => ({ ok: true, nextSeconds: 60 });

  constructor(
    readonly socket: Socket,
    readonly auth: Auth,
  ) {
    socket.onAny((name: string, payload: Payload, acknowledge: (response: unknown) => void) => {
      this.messages.push([name, payload]);
      const response = this.respond(name, payload);
      if (response !== undefined) acknowledge(response);
    });
  }

  get isConnected(): boolean {
    return this.socket.connected;
  }

  /** Returns the payloads of the messages with this name. */
  getMessages(name: string): Payload[] {
    return this.messages.filter((message) => message[0] === name).map((message) => message[1]);
  }

  send(name: string, payload: unknown): this {
    this.socket.emit(name, payload);
    return this;
  }

  sendWelcome(fields: Payload): this {
    const common = { userId: 'ann', deviceId: this.auth.deviceId, epoch: 'e1', heartbeatSeconds: 60 };
    return this.send('welcome', { ...common, serverTime: new Date().toISOString(), ...fields });
  }

  /** Sends a welcome and the snapshot that it announces. */
  sendSnapshot(offset: number, state: Payload = {}, welcome: Payload = {}): this {
    const epoch = welcome.epoch ?? 'e1';
    this.sendWelcome({ resume: 'snapshot', offset, ...welcome });
    return this.send('snapshot', { position: { epoch, offset }, ...state });
  }

  sendEvent(event: Payload): this {
    const { type, offset } = event;
    this.socket.emit(String(type), event, () => this.acknowledged.push(Number(offset)));
    return this;
  }

  /** Sends a note for each offset. */
  sendNotes(...offsets: number[]): this {
    for (const offset of offsets) this.sendEvent(createNote(offset));
    return this;
  }
}

/** Returns a durable event with a key of its own. */
export function createNote(offset: number, fields: Payload = {}): Payload {
  const at = new Date(1_700_000_000_000 + offset).toISOString();
  return {
    id: `id-${offset}`,
    type: 'note',
    tier: 'important',
    key: `note:${offset}`,
    epoch: 'e1',
    at,
    offset,
    data: {},
    ...fields,
  };
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Returns an unsigned token of this user. */
export function createToken(userId: string): string {
  return `${encode({ alg: 'none' })}.${encode({ sub: userId })}.x`;
}

/** A Socket.IO server that a test makes misbehave in ways that the real one should not. */
export class FakeServer {
  readonly connections: FakeConnection[] = [];
  /** Called for each connection with its number from 0 on. */
  onConnection: (connection: FakeConnection, n: number) => void = (connection) => connection.sendSnapshot(0);
  /** Returns `{ code, message, retryable }` to refuse a handshake. `n` counts from 0. */
  refuse: (auth: Auth, n: number) => Payload | undefined = () => undefined;
  handshakes = 0;

  private constructor(
    private readonly http: HttpServer,
    private readonly io: Server,
  ) {
    io.use((socket, next) => {
      const refusal = this.refuse(socket.handshake.auth as Auth, this.handshakes++);
      next(refusal && Object.assign(new Error(String(refusal.code)), { data: refusal }));
    });
    io.on('connection', (socket) => {
      const connection = new FakeConnection(socket, socket.handshake.auth as Auth);
      this.connections.push(connection);
      this.onConnection(connection, this.connections.length - 1);
    });
  }

  static async start(): Promise<FakeServer> {
    const http = createServer();
    const server = new FakeServer(http, new Server(http, { transports: ['websocket'] }));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  /** The newest connection. */
  get connection(): FakeConnection {
    const newest = this.connections.at(-1);
    if (!newest) throw new Error('nobody connected');
    return newest;
  }

  async close(): Promise<void> {
    await this.io.close();
  }
}
