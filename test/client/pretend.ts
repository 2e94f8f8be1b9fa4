import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';

export type Auth = Record<string, string>;
type Frame = Record<string, unknown>;
type Answer = (answer: unknown) => void;

/** One device's connection, seen from the server: a test says what the server says. */
export class Visitor {
  /** Offsets whose events were acknowledged, in order. */
  readonly acknowledged: number[] = [];
  /** What the device sent: `[name, payload]`. */
  readonly said: [string, Frame][] = [];
  /** Answers what the device asks; a test may put its own here. */
  answer: (name: string, payload: Frame) => unknown = () => ({ ok: true, nextSeconds: 60 });

  constructor(
    readonly socket: Socket,
    readonly auth: Auth,
  ) {
    socket.onAny((name: string, payload: Frame, reply: Answer) => {
      this.said.push([name, payload]);
      const answer = this.answer(name, payload);
      if (answer !== undefined) reply(answer);
    });
  }

  get isHere(): boolean {
    return this.socket.connected;
  }

  heard(name: string): Frame[] {
    return this.said.filter((each) => each[0] === name).map((each) => each[1]);
  }

  welcome(frame: Frame): this {
    const common = { userId: 'ann', deviceId: this.auth.deviceId, epoch: 'e1', heartbeatSeconds: 60 };
    return this.say('welcome', { ...common, serverTime: new Date().toISOString(), ...frame });
  }

  /** A welcome with the snapshot that it announces. */
  start(offset: number, state: Frame = {}, welcome: Frame = {}): this {
    const epoch = welcome.epoch ?? 'e1';
    this.welcome({ resume: 'snapshot', offset, ...welcome });
    return this.say('snapshot', { position: { epoch, offset }, ...state });
  }

  say(name: string, frame: unknown): this {
    this.socket.emit(name, frame);
    return this;
  }

  event(event: Frame): this {
    const { type, offset } = event;
    this.socket.emit(String(type), event, () => this.acknowledged.push(Number(offset)));
    return this;
  }

  events(...offsets: number[]): this {
    for (const offset of offsets) this.event(note(offset));
    return this;
  }
}

/** A durable event that supersedes nothing. */
export function note(offset: number, more: Frame = {}): Frame {
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
    ...more,
  };
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token that says who its user is, signed by nobody. */
export function tokenFor(userId: string): string {
  return `${part({ alg: 'none' })}.${part({ sub: userId })}.x`;
}

/** A Socket.IO server that speaks the contract as told, for faults that the real one takes care not to have. */
export class Pretend {
  readonly visitors: Visitor[] = [];
  /** What happens to each connection; the number counts from 0. */
  script: (visitor: Visitor, n: number) => void = (visitor) => visitor.start(0);
  /** Refuses a handshake by returning `{ code, message, retryable }`. */
  refuse: (auth: Auth, n: number) => Frame | undefined = () => undefined;
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
      const visitor = new Visitor(socket, socket.handshake.auth as Auth);
      this.visitors.push(visitor);
      this.script(visitor, this.visitors.length - 1);
    });
  }

  static async open(): Promise<Pretend> {
    const http = createServer();
    const pretend = new Pretend(http, new Server(http, { transports: ['websocket'] }));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return pretend;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  /** The newest connection. */
  get visitor(): Visitor {
    const newest = this.visitors.at(-1);
    if (!newest) throw new Error('nobody connected');
    return newest;
  }

  async close(): Promise<void> {
    await this.io.close();
  }
}
