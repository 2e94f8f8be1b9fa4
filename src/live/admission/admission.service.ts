import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { DisconnectRequest } from '../../cluster/node-message.js';
import type { Position } from '../../mailbox/position.js';
import type { UserIdentity } from '../../platform/auth/user-tokens/token-claims.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { type CatchUp, CatchUpService, type CatchUpRequest } from './catch-up.service.js';
import { Connection } from '../connection/connection.js';
import type { Transport } from '../connection/transport.js';
import { NodePresenceService } from '../maintenance/node-presence.service.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { gapFound, LocalDeliveryService } from '../connection/local-delivery.service.js';

const SUPERSEDED_RETRY_MS = 60_000;
const CLOCK_SKEW_MS = 2_000;
/** A device whose token was verified. */
export interface AuthenticatedDevice extends CatchUpRequest {
  readonly profileId: string;
  readonly identity: UserIdentity;
}

/** A device that was let in, with the history that it is owed. */
export interface AdmittedDevice {
  readonly connection: Connection;
  readonly caughtUp: CatchUp;
}

/**
 * Lets devices in, whatever line they come by, and sees them out. A device is in its user's room, and the fleet knows it,
 * before its history is read: nothing falls between the two.
 */
@Injectable()
export class AdmissionService implements OnModuleInit {
  private readonly log = new Logger('live');

  constructor(
    private readonly arrivals: CatchUpService,
    bus: EventBusService,
    private readonly channel: LocalDeliveryService,
    private readonly fleet: NodePresenceService,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    bus.subscribe(gapFound, (connection) => this.fillHole(connection));
  }

  /** Joins the fleet before the door opens. */
  onModuleInit(): Promise<void> {
    return this.fleet.join({
      fillGap: (connection) => this.fillHole(connection),
      disconnect: (ending) => this.end(ending),
    });
  }

  /** Lets the device in; `onEntered` is told its connection at once, so that whoever holds the line can end it. */
  async admit(
    visitor: AuthenticatedDevice,
    onEntered: (connection: Connection) => void,
  ): Promise<AdmittedDevice> {
    const { userId, deviceId, profileId, identity } = visitor;
    const connection = new Connection({
      deviceId,
      profileId,
      identity,
      now: Date.now(),
      livesMs: this.lifetime(),
    });
    this.channel.connections.add(connection);
    onEntered(connection);
    try {
      // The other nodes know before the history is read: what is committed after it is told here.
      await this.fleet.update(userId);
      const arrived = await this.arrivals.read(visitor);
      if (connection.closed) throw new Error('closed while its history was read');
      connection.deviceName = arrived.deviceName;
      return { connection, caughtUp: arrived };
    } catch (error) {
      this.leave(connection);
      throw error;
    }
  }

  /** The line is open: welcome, history, then the live stream. */
  start({ connection, caughtUp: arrived }: AdmittedDevice, line: Transport): void {
    connection.transport = line;
    const { userId, deviceId, enteredAt } = connection;
    this.supersede(connection);
    void this.fleet.disconnectElsewhere({ userId, deviceId, reason: 'superseded', at: enteredAt });
    this.sendHistory(connection, arrived);
  }

  /** The line has ended. Idempotent. */
  leave(connection: Connection): void {
    const { connections: rooms } = this.channel;
    connection.close();
    rooms.remove(connection);
    if (rooms.of(connection.userId).length === 0) void this.fleet.update(connection.userId);
  }

  /** A device's history anew, then the live stream: the answer to `sync`. */
  async resume(connection: Connection, position: Position): Promise<void> {
    const { userId, deviceId } = connection;
    connection.rejoin();
    try {
      this.sendHistory(connection, await this.arrivals.read({ userId, deviceId, position }));
    } catch (error) {
      // Half-way between history and live is nowhere: the device comes back and resumes.
      this.drop(connection);
      throw error;
    }
  }

  private sendHistory(connection: Connection, { history }: CatchUp): void {
    const { transport: line, userId, deviceId } = connection;
    if (connection.closed || !line) return;
    const { head, resume } = history;
    line.emit('welcome', {
      userId,
      deviceId,
      epoch: head.epoch,
      offset: head.offset,
      resume,
      heartbeatSeconds: this.config.HEARTBEAT_SECONDS,
      tokenExpiresAt: new Date(connection.expiresAt).toISOString(),
      serverTime: new Date().toISOString(),
    });
    if (history.resume === 'snapshot') line.emit('snapshot', history.state);
    this.channel.catchUp(connection, history.resume === 'replay' ? history.missed : [], head);
  }

  /** Five sixths to seven sixths of RECYCLE_SECONDS, so that devices that came together leave one by one. */
  private lifetime(): number {
    return this.config.RECYCLE_SECONDS * 1_000 * (5 / 6 + Math.random() / 3);
  }

  /** Ends what a device has here, as this or another node asks. */
  end({ userId, deviceId, reason: why, at }: DisconnectRequest): void {
    if (why === 'departed') this.closeWhere(userId, (one) => one.deviceId === deviceId);
    // The nodes' clocks differ a little: only what is clearly older was superseded.
    const isOlder = (one: Connection) => one.deviceId === deviceId && one.enteredAt < at - CLOCK_SKEW_MS;
    if (why === 'superseded')
      for (const one of this.channel.connections.of(userId).filter(isOlder)) this.goAway(one);
  }

  /** Closes those of a user's connections here that must not live on. */
  closeWhere(userId: string, mustGo: (connection: Connection) => boolean): void {
    for (const connection of this.channel.connections.of(userId).filter(mustGo)) this.close(connection);
  }

  /** One device, one connection: the newest. The older one is often half-open, and would hold the device's events. */
  private supersede(connection: Connection): void {
    for (const other of [...this.channel.connections.of(connection.userId)]) {
      if (other !== connection && other.deviceId === connection.deviceId && other.transport)
        this.goAway(other);
    }
  }

  /** Two tabs that share a device id would take it from each other for ever, were they not told why. */
  private goAway(connection: Connection): void {
    connection.sendGoaway('superseded', SUPERSEDED_RETRY_MS);
    this.close(connection);
  }

  /** Without goodbye, after which stock clients would stay away: this one is to come back. */
  private drop(connection: Connection): void {
    this.leave(connection);
    connection.transport?.terminate();
  }

  private close(connection: Connection): void {
    this.leave(connection);
    connection.transport?.disconnect();
  }

  /** An event is missing before one that came: its node died, or the message between the nodes was lost. */
  private async fillHole(connection: Connection): Promise<void> {
    const { userId, deviceId, position } = connection;
    if (!position || connection.joining) return;
    connection.rejoin();
    try {
      const { history } = await this.arrivals.read({ userId, deviceId, position });
      if (history.resume === 'replay') this.channel.catchUp(connection, history.missed, history.head);
      else this.drop(connection);
    } catch (error) {
      // Its device comes back and resumes from what it has.
      this.log.warn(`a hole could not be filled: ${String(error)}`);
      this.drop(connection);
    }
  }
}
