import { Injectable, Logger } from '@nestjs/common';
import { type OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';
import type { DeviceCommand } from '../devices/device-command.js';
import { problemOf } from '../platform/http/problem.filter.js';
import { Problem } from '../platform/http/problem.js';
import { Admission, type Entry } from './admission.service.js';
import { CommandDesk } from './commands.gateway.js';
import { comeBackAfterMs, Door } from './door.service.js';
import { Handshake } from './handshake.service.js';
import { connectionOf, LiveChannel } from './live.channel.js';
import { type Conn, Toll } from './toll.gateway.js';
import { Wire } from './wire.gateway.js';

const MAX_TRIES = 5;

/** The door for devices on Socket.IO. A device is refused with a `connect_error` when it cannot be let in. */
@Injectable()
@WebSocketGateway()
export class LiveGateway implements OnGatewayInit<Server> {
  private readonly log = new Logger('live');
  /** Sockets that were let in and wait for Socket.IO to say `connect` to their devices. */
  private readonly entries = new WeakMap<Socket, Entry>();
  /** Handshakes tried on one line: a proper client tries once. */
  private readonly tries = new WeakMap<object, number>();
  private readonly toll = new Toll();
  private desk: CommandDesk | undefined;
  /** One function for all sockets. */
  private readonly onDisconnect: (this: Socket) => void;

  constructor(
    private readonly handshake: Handshake,
    private readonly admission: Admission,
    private readonly door: Door,
    private readonly channel: LiveChannel,
  ) {
    this.onDisconnect = function () {
      admission.leave(connectionOf(this));
      // A device that says goodbye and keeps its line would hold it for as long as it answers pings.
      this.conn.close();
    };
  }

  /** What devices may ask; bound once, at boot (app.module.ts). */
  serve(commands: readonly DeviceCommand[]): void {
    this.desk = new CommandDesk(commands, this.channel);
  }

  afterInit(server: Server): void {
    server.engine.on('connection', (conn: Conn) => this.toll.watch(conn));
    server.use((socket, next) => {
      this.letIn(socket).then(
        () => next(),
        (error: unknown) => next(this.refusal(error)),
      );
    });
    server.on('connection', (socket) => this.begin(socket));
  }

  private async letIn(socket: Socket): Promise<void> {
    // Before the pace, which is everyone's: one line must not spend it.
    const tries = (this.tries.get(socket.conn) ?? 0) + 1;
    this.tries.set(socket.conn, tries);
    if (tries > MAX_TRIES) {
      socket.conn.close();
      throw new Problem('rate_limited');
    }
    this.door.knock();
    const visitor = await this.handshake.check(socket.handshake.auth);
    const entry = await this.admission.enter(visitor, (connection) => {
      socket.data = { connection };
      this.toll.known(socket.conn, connection.inbound);
      socket.conn.on('close', () => this.admission.leave(connection));
      socket.on('disconnect', this.onDisconnect);
    });
    this.entries.set(socket, entry);
  }

  private begin(socket: Socket): void {
    const entry = this.entries.get(socket);
    this.entries.delete(socket);
    if (!entry || entry.connection.closed || !this.desk) {
      socket.conn.close();
      return;
    }
    const wire = new Wire(socket);
    wire.hearBy(this.desk);
    this.admission.begin(entry, wire);
    wire.forgetHandshake();
  }

  private refusal(error: unknown): Error & { data: ReturnType<Problem['toSocketError']> } {
    const problem = problemOf(error);
    if (problem.code === 'internal') this.log.error(error);
    const data = problem.toSocketError();
    // Whatever keeps one out keeps thousands out: they must not come back together.
    if (data.code === 'unavailable') data.retryAfterMs = comeBackAfterMs();
    return Object.assign(new Error(problem.detail), { data });
  }
}
