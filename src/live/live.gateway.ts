import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { type OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';
import { Devices } from '../devices/devices.service.js';
import type { DeviceCommand } from '../devices/device-command.js';
import type { Position } from '../mailbox/position.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { problemOf } from '../platform/http/problem.filter.js';
import type { Problem } from '../platform/http/problem.js';
import { type Arrived, Arrivals } from './arrivals.service.js';
import { CommandDesk } from './commands.gateway.js';
import { Connection } from './connection.js';
import { Fleet } from './fleet.service.js';
import { Handshake } from './handshake.service.js';
import { LiveChannel } from './live.channel.js';
import { Wire } from './wire.gateway.js';

const SUPERSEDED_RETRY_MS = 60_000;

/** A socket that was let in and waits for Socket.IO to say `connect` to its device. */
interface Entry {
  readonly connection: Connection;
  readonly arrived: Arrived;
}

/**
 * The door for devices. A device is in its user's room before its history is read, so that nothing falls between the two;
 * it is refused with a `connect_error` when any of that fails.
 */
@Injectable()
@WebSocketGateway()
export class LiveGateway implements OnGatewayInit<Server>, OnModuleInit {
  private readonly log = new Logger('live');
  private readonly entries = new WeakMap<Socket, Entry>();
  private desk: CommandDesk | undefined;

  constructor(
    private readonly handshake: Handshake,
    private readonly arrivals: Arrivals,
    private readonly channel: LiveChannel,
    private readonly fleet: Fleet,
    @Inject(CONFIG) private readonly config: Config,
    devices: Devices,
  ) {
    devices.onDeparture(({ userId, deviceId }) => this.closeDevice(userId, deviceId));
    channel.onHole((connection) => void this.fillHole(connection));
  }

  /** Joins the fleet before the door opens. */
  onModuleInit(): Promise<void> {
    return this.fleet.join((connection) => this.fillHole(connection));
  }

  /** What devices may ask; bound once, at boot (app.module.ts). */
  serve(commands: readonly DeviceCommand[]): void {
    this.desk = new CommandDesk(commands);
  }

  afterInit(server: Server): void {
    server.use((socket, next) => {
      this.letIn(socket).then(
        () => next(),
        (error: unknown) => next(this.refusal(error)),
      );
    });
    server.on('connection', (socket) => this.begin(socket));
  }

  /** A device's history, then the live stream; also the answer to `sync`. */
  async resume(connection: Connection, position: Position): Promise<void> {
    connection.rejoin();
    this.tellHistory(
      connection,
      await this.arrivals.welcome({ userId: connection.userId, deviceId: connection.deviceId, position }),
    );
  }

  private async letIn(socket: Socket): Promise<void> {
    const { identity, auth, position } = await this.handshake.check(socket.handshake.auth);
    const { userId, expiresAt } = identity;
    const { deviceId, profileId, platform, appVersion, since } = auth;
    const connection = new Connection({
      userId,
      deviceId,
      profileId,
      expiresAt: expiresAt.getTime(),
      now: Date.now(),
    });
    const { rooms } = this.channel;
    rooms.add(connection);
    const leave = () => {
      connection.close();
      rooms.remove(connection);
      if (rooms.of(userId).length === 0) void this.fleet.changed(userId);
    };
    socket.conn.once('close', leave);
    try {
      // The other nodes know before the history is read: what is committed after it is told here.
      await this.fleet.changed(userId);
      const arrived = await this.arrivals.welcome({
        userId,
        deviceId,
        position,
        since,
        registers: { platform, appVersion },
      });
      if (connection.closed) throw new Error('closed while its history was read');
      connection.deviceName = arrived.deviceName;
      this.entries.set(socket, { connection, arrived });
    } catch (error) {
      leave();
      throw error;
    }
    socket.once('disconnect', leave);
  }

  private begin(socket: Socket): void {
    const entry = this.entries.get(socket);
    this.entries.delete(socket);
    if (!entry || entry.connection.closed || !this.desk) return void socket.disconnect(true);
    const { connection, arrived } = entry;
    const wire = new Wire(socket);
    connection.wire = wire;
    socket.data = { connection };
    this.supersede(connection);
    this.desk.attend(socket);
    this.tellHistory(connection, arrived);
    wire.forgetHandshake();
  }

  private tellHistory(connection: Connection, { history }: Arrived): void {
    const { wire } = connection;
    if (connection.closed || !wire) return;
    const { head, resume } = history;
    wire.emit('welcome', {
      userId: connection.userId,
      deviceId: connection.deviceId,
      epoch: head.epoch,
      offset: head.offset,
      resume,
      heartbeatSeconds: this.config.HEARTBEAT_SECONDS,
      tokenExpiresAt: new Date(connection.expiresAt).toISOString(),
      serverTime: new Date().toISOString(),
    });
    if (history.resume === 'snapshot') wire.emit('snapshot', history.state);
    this.channel.catchUp(connection, history.resume === 'replay' ? history.missed : [], head);
  }

  /** One device, one connection: the newest. The older one is often half-open, and would hold the device's events. */
  private supersede(connection: Connection): void {
    for (const other of this.channel.rooms.of(connection.userId)) {
      if (other === connection || other.deviceId !== connection.deviceId || !other.wire) continue;
      // Two tabs that share a device id would take it from each other for ever, were they not told why.
      other.wire.emit('goaway', { reason: 'superseded', retryAfterMs: SUPERSEDED_RETRY_MS });
      this.close(other);
    }
  }

  private closeDevice(userId: string, deviceId: string): void {
    for (const connection of [...this.channel.rooms.of(userId)]) {
      if (connection.deviceId === deviceId) this.close(connection);
    }
  }

  private close(connection: Connection): void {
    connection.close();
    this.channel.rooms.remove(connection);
    connection.wire?.disconnect();
  }

  /** An event is missing before one that came: its node died, or the message between the nodes was lost. */
  private async fillHole(connection: Connection): Promise<void> {
    const { userId, deviceId, position } = connection;
    if (!position) return;
    connection.rejoin();
    try {
      const { history } = await this.arrivals.welcome({ userId, deviceId, position });
      if (history.resume === 'replay') this.channel.catchUp(connection, history.missed, history.head);
      else this.close(connection);
    } catch (error) {
      // Its device comes back and resumes from what it has.
      this.log.warn(`a hole could not be filled: ${String(error)}`);
      this.close(connection);
    }
  }

  private refusal(error: unknown): Error & { data: ReturnType<Problem['toSocketError']> } {
    const problem = problemOf(error);
    if (problem.status >= 500) this.log.warn(`a device was turned away: ${String(error)}`);
    return Object.assign(new Error(problem.detail), { data: problem.toSocketError() });
  }
}
