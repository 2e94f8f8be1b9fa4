import type { IncomingMessage } from 'node:http';
import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { Namespace, type Server, type ServerOptions } from 'socket.io';
import type { Config } from '../../platform/config/config.js';
import { limitBodyTime } from '../../platform/http/body/body-parser.js';
import { OriginsService } from '../../platform/http/origins/origins.service.js';
import { corkForNow } from './cork-for-now.js';
import { type Engine, SOCKET_DRIVER, type SocketDriver } from './socket-driver.js';

/** Bytes in one frame from a device (docs/CONTRACT.md, "The device socket"). */
const MAX_FRAME_BYTES = 16 * 1024;
/** A connection without a valid handshake is closed after this (the same section). */
const HANDSHAKE_TIMEOUT_MS = 8_000;
/** Time for a polling device to fetch the packet that closes its connection. */
const ABANDONED_AFTER_MS = 500;
/** A device that vanished without closing is noticed after 35 s; more pings would wake the phones' radios more often. */
const PING_INTERVAL_MS = 20_000;
const PING_TIMEOUT_MS = 15_000;

/** Socket.IO with Usher's settings. Its connection state recovery stays off: devices resume from the mailbox. */
export class SocketIoAdapter extends IoAdapter {
  constructor(
    private readonly app: INestApplicationContext,
    private readonly config: Config,
  ) {
    super(app);
  }

  override createIOServer(port: number, options?: ServerOptions): Server {
    const { TRANSPORTS } = this.config;
    const origins = this.app.get(OriginsService);
    const settings: Partial<ServerOptions> = {
      path: '/socket.io',
      transports: [...TRANSPORTS],
      allowUpgrades: TRANSPORTS.includes('websocket'),
      serveClient: false,
      maxHttpBufferSize: MAX_FRAME_BYTES,
      connectTimeout: HANDSHAKE_TIMEOUT_MS,
      pingInterval: PING_INTERVAL_MS,
      pingTimeout: PING_TIMEOUT_MS,
      perMessageDeflate: false,
      httpCompression: false,
      // For polling; the pages that may not connect are refused below.
      cors: { origin: true },
      allowRequest: ({ headers, socket }, callback) => {
        const isAllowed = origins.isAllowed(headers);
        // Together: the answer to the upgrade and Engine.IO's first packet.
        if (isAllowed && headers.upgrade) corkForNow(socket);
        callback(isAllowed ? null : 'origin_forbidden', isAllowed);
      },
    };
    const server = super.createIOServer(port, { ...options, ...settings } as ServerOptions) as Server;
    if (TRANSPORTS.includes('polling')) {
      server.engine.use(limitPollingBody);
      const driver = this.app.get<SocketDriver>(SOCKET_DRIVER);
      server.engine.on('connection', (engine: Engine) => endIfAbandoned(engine, driver));
    }
    return server;
  }

  /**
   * The device gateway listens to its sockets itself (device.gateway.ts): Nest's way keeps four observables for each
   * socket.
   */
  override bindClientConnect(server: Server | Namespace, callback: (...args: unknown[]) => void): void {
    if (server instanceof Namespace) super.bindClientConnect(server as unknown as Server, callback);
  }
}

/** Polling devices send by POST, and Engine.IO would wait for a body for ever. */
function limitPollingBody(request: IncomingMessage, _response: unknown, next: () => void): void {
  if (request.method === 'POST') limitBodyTime(request);
  next();
}

/** Engine.IO closes a polling connection without a valid handshake, but keeps it until the device polls again. */
function endIfAbandoned(engine: Engine, driver: SocketDriver): void {
  const timer = setTimeout(
    () => engine.readyState === 'closing' && driver.endAbandoned(engine),
    HANDSHAKE_TIMEOUT_MS + ABANDONED_AFTER_MS,
  ).unref();
  engine.once('close', () => clearTimeout(timer));
}
