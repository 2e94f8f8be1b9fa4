import type { IncomingMessage } from 'node:http';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { type OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { clientAddressBehind } from '../../platform/http/client-address.js';
import { toProblem } from '../../platform/http/to-problem.js';
import { Problem } from '../../platform/http/problem.js';
import {
  AdmissionService,
  type AdmittedDevice,
  type AuthenticatedDevice,
} from '../admission/admission.service.js';
import { ConnectionLimiterService, retryDelayMs } from '../admission/connection-limiter.service.js';
import { HandshakeService } from '../admission/handshake.service.js';
import { CommandDispatcherService } from '../connection/command-dispatcher.service.js';
import { Connection } from '../connection/connection.js';
import { type Engine, type PacketHandlers, SOCKET_DRIVER, type SocketDriver } from './socket-driver.js';

/** Handshakes on one connection; an app sends one. */
const MAX_HANDSHAKES = 5;

/** The endpoint for devices on Socket.IO. A device that is not admitted gets a `connect_error` with a stable code. */
@Injectable()
@WebSocketGateway()
export class DeviceGateway implements OnGatewayInit<Server> {
  private readonly log = new Logger('live');
  /** Devices that were admitted and whose sockets Socket.IO has not yet connected. */
  private readonly admitted = new WeakMap<Socket, AdmittedDevice>();
  /** Handshakes so far, by connection. */
  private readonly handshakes = new WeakMap<Engine, number>();
  private readonly addressOf: (request: IncomingMessage) => string;
  private readonly packetHandlers: PacketHandlers;
  private readonly onDisconnect: (this: Socket) => void;

  constructor(
    private readonly handshake: HandshakeService,
    private readonly admission: AdmissionService,
    private readonly limiter: ConnectionLimiterService,
    dispatcher: CommandDispatcherService,
    @Inject(SOCKET_DRIVER) private readonly driver: SocketDriver,
    @Inject(CONFIG) config: Config,
  ) {
    this.addressOf = clientAddressBehind(config.TRUSTED_PROXIES);
    this.packetHandlers = {
      onevent({ data, id }) {
        if (this.connected) dispatcher.dispatch(connectionOf(this), data, id);
      },
      onack({ id }) {
        dispatcher.acknowledge(connectionOf(this), id);
      },
    };
    this.onDisconnect = function () {
      admission.leave(connectionOf(this));
      // A device that leaves the namespace and keeps the connection would hold it for as long as it replies to pings.
      this.conn.close();
    };
  }

  afterInit(server: Server): void {
    this.driver.serve(server, this.packetHandlers);
    server.use((socket, next) => {
      this.admit(socket).then(
        () => {
          // Socket.IO's answer, `welcome` and the first page of the history.
          this.driver.writeTogether(socket);
          next();
        },
        // Nobody is left to be told why. Socket.IO forgets the socket.
        (error: unknown) => next(isOpen(socket) ? this.toConnectError(error) : undefined),
      );
    });
    server.on('connection', (socket) => this.start(socket));
  }

  private async admit(socket: Socket): Promise<void> {
    const engine = socket.conn;
    // Checked before the limit of the node, which one connection must not use up.
    const handshakes = (this.handshakes.get(engine) ?? 0) + 1;
    this.handshakes.set(engine, handshakes);
    if (handshakes > MAX_HANDSHAKES) {
      socket.conn.close();
      throw new Problem('rate_limited');
    }
    const device = await this.authenticate(socket);
    // A connection that has closed meanwhile says so no more: its device would be taken for connected for ever.
    if (!isOpen(socket)) return;
    this.limiter.admit(device.userId);
    const admitted = await this.admission.admit(device, (connection) => {
      socket.data = { connection };
      this.driver.useBucket(socket, connection.inboundLimit);
      socket.conn.on('close', () => this.admission.leave(connection));
      socket.on('disconnect', this.onDisconnect);
    });
    this.admitted.set(socket, admitted);
  }

  /** Only an attempt without a valid token costs its address anything: many devices may share that. */
  private async authenticate(socket: Socket): Promise<AuthenticatedDevice> {
    const address = this.addressOf(socket.request);
    this.limiter.checkAttempt(address);
    try {
      const device = await this.handshake.authenticate(socket.handshake.auth);
      this.limiter.giveBack(address);
      return device;
    } catch (error) {
      // What is refused may cost the node as much as it likes, also a token by a key that nobody knows; an outage of ours is no attempt.
      if (!(error instanceof Problem)) this.limiter.giveBack(address);
      throw error;
    }
  }

  private start(socket: Socket): void {
    const admitted = this.admitted.get(socket);
    this.admitted.delete(socket);
    if (!admitted || admitted.connection.isClosed) {
      socket.conn.close();
      return;
    }
    this.admission.start(admitted, this.driver.open(socket));
    this.driver.releaseHandshake(socket);
  }

  private toConnectError(error: unknown): Error & { data: ReturnType<Problem['toSocketError']> } {
    const problem = toProblem(error);
    if (problem.code === 'internal') this.log.error(error);
    const data = problem.toSocketError();
    // An outage refuses thousands of devices, which must not come back together.
    if (data.code === 'unavailable') data.retryAfterMs = retryDelayMs();
    return Object.assign(new Error(problem.detail), { data });
  }
}

const isOpen = (socket: Socket): boolean => socket.conn.readyState === 'open';

/** The connection that was put on the socket when its device was admitted. Throws if there is none. */
function connectionOf(socket: Socket): Connection {
  const { connection } = socket.data as { connection?: Connection };
  if (!(connection instanceof Connection)) throw new Error('the socket has no connection');
  return connection;
}
