import { Inject, Injectable } from '@nestjs/common';
import type { BroadcastPosition } from '../../broadcasts/broadcast.js';
import type { UserIdentity } from '../../platform/auth/user-tokens/token-claims.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { Connection } from '../connection/connection.js';
import type { Transport } from '../connection/transport.js';
import { DisconnectService } from '../maintenance/disconnect.service.js';
import { NodePresenceService } from '../maintenance/node-presence.service.js';
import { CatchUpService } from './catch-up.service.js';
import { type History, type HistoryRequest, HistoryService } from './history.service.js';

/** A device whose token was verified. */
export interface AuthenticatedDevice extends HistoryRequest {
  readonly profileId: string;
  readonly identity: UserIdentity;
  /** How far it has read the broadcasts, if it knows. */
  readonly broadcastPosition?: BroadcastPosition | undefined;
}

/** A device that was admitted, with the history that it is still to be sent. */
export interface AdmittedDevice {
  readonly connection: Connection;
  readonly history: History;
}

/**
 * Admits devices, whatever transport they come over. A device is registered as connected, here and in Redis, before its
 * history is read: what is committed after the read then reaches this node, so nothing is lost between the two.
 */
@Injectable()
export class AdmissionService {
  constructor(
    private readonly presence: NodePresenceService,
    private readonly histories: HistoryService,
    private readonly catchUp: CatchUpService,
    private readonly disconnects: DisconnectService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Registers the device and reads its history. `onConnection` is called before the first wait, so that whoever holds the
   * socket can `leave` when it closes meanwhile. Throws what the databases throw, and if the connection was closed
   * meanwhile.
   */
  async admit(
    device: AuthenticatedDevice,
    onConnection: (connection: Connection) => void,
  ): Promise<AdmittedDevice> {
    const { deviceId, profileId, identity, broadcastPosition } = device;
    const lifetimeMs = this.randomLifetimeMs();
    const connection = new Connection({
      deviceId,
      profileId,
      identity,
      broadcastPosition,
      now: monotonicNow(),
      lifetimeMs,
    });
    const registered = this.presence.register(connection);
    onConnection(connection);
    try {
      await registered;
      const { history, deviceName } = await this.histories.read(device);
      // Its token was revoked, its device removed, or somebody disconnected it: the next try is told which.
      if (connection.isClosed)
        throw new Problem('unavailable', 'The connection was ended before it had begun.', {
          retryAfterMs: 1_000,
        });
      connection.deviceName = deviceName;
      return { connection, history };
    } catch (error) {
      this.leave(connection);
      throw error;
    }
  }

  /** The device may now be written to: sends its history, then live events, and ends its older connections. */
  start({ connection, history }: AdmittedDevice, transport: Transport): void {
    connection.transport = transport;
    this.disconnects.supersede(connection);
    this.catchUp.sendHistory(connection, history);
  }

  /** The transport has closed. Idempotent. */
  leave(connection: Connection): void {
    this.presence.unregister(connection);
  }

  /** Five sixths to seven sixths of RECYCLE_SECONDS, so that devices that connected together are recycled one by one. */
  private randomLifetimeMs(): number {
    return this.config.RECYCLE_SECONDS * 1_000 * (5 / 6 + Math.random() / 3);
  }
}
