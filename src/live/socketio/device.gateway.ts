import { Injectable, Logger } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { type OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';
import { HandlesDeviceCommand } from '../../devices/device-command.decorator.js';
import type { DeviceCommand } from '../../devices/device-command.js';
import { toProblem } from '../../platform/http/to-problem.js';
import { Problem } from '../../platform/http/problem.js';
import { AdmissionService, type AdmittedDevice } from '../admission/admission.service.js';
import { CommandDispatcher } from './command-dispatcher.js';
import { retryDelayMs, ConnectionLimiterService } from '../admission/connection-limiter.service.js';
import { HandshakeService } from '../admission/handshake.service.js';
import { connectionOf, LocalDeliveryService } from '../connection/local-delivery.service.js';
import { type EngineConnection, FrameRateLimiter } from './frame-rate-limiter.js';
import { SocketIoTransport } from './socket-io.transport.js';

const MAX_TRIES = 5;

/** The door for devices on Socket.IO. A device is refused with a `connect_error` when it cannot be let in. */
@Injectable()
@WebSocketGateway()
export class DeviceGateway implements OnGatewayInit<Server> {
  private readonly log = new Logger('live');
  /** Sockets that were let in and wait for Socket.IO to say `connect` to their devices. */
  private readonly entries = new WeakMap<Socket, AdmittedDevice>();
  /** Handshakes tried on one line: a proper client tries once. */
  private readonly tries = new WeakMap<object, number>();
  private readonly toll = new FrameRateLimiter();
  private commands: CommandDispatcher | undefined;
  /** One function for all sockets. */
  private readonly onDisconnect: (this: Socket) => void;

  constructor(
    private readonly handshake: HandshakeService,
    private readonly admission: AdmissionService,
    private readonly door: ConnectionLimiterService,
    private readonly localDelivery: LocalDeliveryService,
    private readonly discovery: DiscoveryService,
  ) {
    this.onDisconnect = function () {
      admission.leave(connectionOf(this));
      // A device that says goodbye and keeps its line would hold it for as long as it answers pings.
      this.conn.close();
    };
  }

  afterInit(server: Server): void {
    this.commands = new CommandDispatcher(this.findCommands(), this.localDelivery);
    server.engine.on('connection', (conn: EngineConnection) => this.toll.watch(conn));
    server.use((socket, next) => {
      this.admit(socket).then(
        () => next(),
        (error: unknown) => next(this.toConnectError(error)),
      );
    });
    server.on('connection', (socket) => this.start(socket));
  }

  /** The handlers of all frames that devices may send, by name. */
  private findCommands(): ReadonlyMap<string, DeviceCommand> {
    const handlers = this.discovery.getProviders({ metadataKey: HandlesDeviceCommand.KEY });
    return new Map(
      handlers.map((handler) => [
        this.discovery.getMetadataByDecorator(HandlesDeviceCommand, handler) ?? '',
        handler.instance as DeviceCommand,
      ]),
    );
  }

  private async admit(socket: Socket): Promise<void> {
    // Before the pace, which is everyone's: one line must not spend it.
    const tries = (this.tries.get(socket.conn) ?? 0) + 1;
    this.tries.set(socket.conn, tries);
    if (tries > MAX_TRIES) {
      socket.conn.close();
      throw new Problem('rate_limited');
    }
    this.door.check();
    const visitor = await this.handshake.check(socket.handshake.auth);
    const entry = await this.admission.admit(visitor, (connection) => {
      socket.data = { connection };
      this.toll.useBucketOf(socket.conn, connection.inbound);
      socket.conn.on('close', () => this.admission.leave(connection));
      socket.on('disconnect', this.onDisconnect);
    });
    this.entries.set(socket, entry);
  }

  private start(socket: Socket): void {
    const entry = this.entries.get(socket);
    this.entries.delete(socket);
    if (!entry || entry.connection.closed || !this.commands) {
      socket.conn.close();
      return;
    }
    const wire = new SocketIoTransport(socket);
    wire.receiveWith(this.commands);
    this.admission.start(entry, wire);
    wire.forgetHandshake();
  }

  private toConnectError(error: unknown): Error & { data: ReturnType<Problem['toSocketError']> } {
    const problem = toProblem(error);
    if (problem.code === 'internal') this.log.error(error);
    const data = problem.toSocketError();
    // Whatever keeps one out keeps thousands out: they must not come back together.
    if (data.code === 'unavailable') data.retryAfterMs = retryDelayMs();
    return Object.assign(new Error(problem.detail), { data });
  }
}
