import type { IncomingMessage } from 'node:http';
import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { Namespace, type Server, type ServerOptions } from 'socket.io';
import type { Config } from '../../platform/config/config.js';
import { limitBodyTime } from '../../platform/http/body-parser.js';
import { originAllowed } from '../admission/origin.js';

/** CONTRACT §4. */
export const MAX_FRAME_BYTES = 16 * 1024;
const NO_AUTH_MS = 8_000;
const FORGET_AFTER_MS = 500;
/** A peer that is gone without a word is noticed after 35 s; 20 s between pings spares the phones' radios. */
const PING_INTERVAL_MS = 20_000;
const PING_TIMEOUT_MS = 15_000;

/** Devices that poll send by POST, and Engine.IO would wait for its body for ever. */
function bodiesInTime(request: IncomingMessage, _response: unknown, next: () => void): void {
  if (request.method === 'POST') limitBodyTime(request);
  next();
}

interface Conn {
  readonly readyState: string;
  readonly transport: { onClose(): void };
  once(event: 'close', heed: () => void): unknown;
}

/** A handshake by polling that nobody follows up is closed like any other, but would wait for a poll that takes the news. */
function forgetUnlessKnown(conn: Conn): void {
  const forget = setTimeout(() => {
    if (conn.readyState === 'closing') conn.transport.onClose();
  }, NO_AUTH_MS + FORGET_AFTER_MS).unref();
  conn.once('close', () => clearTimeout(forget));
}

/** Socket.IO with our settings (RELIABILITY.md, section 6). Connection-state recovery stays off: the mailbox resumes. */
export class SocketIoAdapter extends IoAdapter {
  constructor(
    app: INestApplicationContext,
    private readonly config: Config,
  ) {
    super(app);
  }

  override createIOServer(port: number, options?: ServerOptions): Server {
    const { TRANSPORTS, CORS_ORIGINS } = this.config;
    const ours: Partial<ServerOptions> = {
      path: '/socket.io',
      transports: [...TRANSPORTS],
      allowUpgrades: TRANSPORTS.includes('websocket'),
      serveClient: false,
      maxHttpBufferSize: MAX_FRAME_BYTES,
      connectTimeout: NO_AUTH_MS,
      pingInterval: PING_INTERVAL_MS,
      pingTimeout: PING_TIMEOUT_MS,
      perMessageDeflate: false,
      httpCompression: false,
      cors: { origin: CORS_ORIGINS },
      allowRequest: (request, answer) => {
        const allowed = originAllowed(request.headers, CORS_ORIGINS);
        answer(allowed ? null : 'origin_forbidden', allowed);
      },
    };
    const server = super.createIOServer(port, { ...options, ...ours } as ServerOptions) as Server;
    if (TRANSPORTS.includes('polling')) {
      server.engine.use(bodiesInTime);
      server.engine.on('connection', forgetUnlessKnown);
    }
    return server;
  }

  /** The device gateway attends its sockets itself (commands.gateway.ts): Nest's own way keeps four observables for each. */
  override bindClientConnect(server: Server | Namespace, callback: (...args: unknown[]) => void): void {
    if (server instanceof Namespace) super.bindClientConnect(server as unknown as Server, callback);
  }
}
