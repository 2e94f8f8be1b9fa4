import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { DisconnectRequest } from '../../cluster/node-message.js';
import { NodeRegistryService } from '../../cluster/node-registry.service.js';
import { type DeviceRef, deviceRemoved } from '../../devices/device.js';
import { revokes, tokenRevoked } from '../../platform/auth/revocations/revocation.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { userErased } from '../../platform/retention/user-erasure.js';
import { withTimeout } from '../../platform/scheduling/timeout.js';
import type { Connection } from '../connection/connection.js';
import { ConnectionRegistryService } from '../connection/connection-registry.service.js';
import { NodePresenceService } from './node-presence.service.js';

/** How long a removal waits until the other nodes have disconnected the device. */
const DISCONNECT_TIMEOUT_MS = 500;
/** Sent with `superseded`: two tabs that share a device id would else take the connection from each other for ever. */
const SUPERSEDED_RETRY_MS = 60_000;

/**
 * Closes connections that must not live on: of removed devices, of revoked tokens, of users who were erased, and all but the newest
 * of one device.
 */
@Injectable()
export class DisconnectService implements OnModuleInit {
  constructor(
    private readonly bus: EventBusService,
    private readonly connections: ConnectionRegistryService,
    private readonly nodes: NodeRegistryService,
    private readonly presence: NodePresenceService,
  ) {}

  onModuleInit(): void {
    this.bus.subscribe(deviceRemoved, (device) => this.disconnectRemoved(device));
    // Every node reads revocations from the table by itself, so the other nodes are not asked.
    this.bus.subscribe(tokenRevoked, (revocation) =>
      this.closeWhere(revocation.userId, (connection) => revokes(revocation, connection)),
    );
    this.bus.subscribe(userErased, (user) => this.disconnectErased(user));
  }

  /** Ends what a device, or a user, has here, as this or another node requests. */
  disconnect(request: DisconnectRequest): void {
    const { userId, reason } = request;
    const isOfRequest = (one: Connection) => reason === 'erased' || one.deviceId === request.deviceId;
    if (reason === 'departed') this.closeWhere(userId, isOfRequest);
    if (reason === 'operator' || reason === 'erased') this.terminateWhere(userId, isOfRequest);
    if (reason === 'superseded')
      this.supersedeWhere(userId, (one) => isOfRequest(one) && this.beganAt(one) < request.at);
  }

  /**
   * One device, one connection: ends the older ones of this device, here and on other nodes. They are often half-open, and
   * would keep the device's events without anybody to read them.
   */
  supersede(connection: Connection): void {
    const { userId, deviceId } = connection;
    this.supersedeWhere(
      userId,
      (one) => one !== connection && one.deviceId === deviceId && one.transport !== undefined,
    );
    const at = this.beganAt(connection);
    void this.presence.disconnectElsewhere({ userId, deviceId, reason: 'superseded', at });
  }

  /** Ends a connection whose device is to reconnect at once: after a regular close stock Socket.IO clients would not. */
  terminate(connection: Connection): void {
    this.presence.unregister(connection);
    connection.transport?.terminate();
  }

  private disconnectRemoved({ userId, deviceId }: DeviceRef): Promise<void> {
    return this.disconnectEverywhere({ userId, deviceId, reason: 'departed' });
  }

  /**
   * Whoever came with a new token while the rows were erased has a position in a mailbox that is gone. The next one begins with offset 1, and the
   * connection would take its events for known. Also ends one that came just after it: that is only one connection more.
   */
  private disconnectErased({ userId }: { readonly userId: string }): Promise<void> {
    return this.disconnectEverywhere({ userId, reason: 'erased' });
  }

  private async disconnectEverywhere(request: DisconnectRequest): Promise<void> {
    this.disconnect(request);
    // While Redis is down the request is repeated in the background.
    await withTimeout(DISCONNECT_TIMEOUT_MS, this.presence.disconnectElsewhere(request)).catch(
      () => undefined,
    );
  }

  /** As other nodes compare it with theirs, in milliseconds. */
  private beganAt({ connectedAt }: Connection): number {
    return this.nodes.sharedTime(connectedAt);
  }

  private closeWhere(userId: string, mustClose: (connection: Connection) => boolean): void {
    for (const connection of this.connections.of(userId).filter(mustClose)) this.close(connection);
  }

  private terminateWhere(userId: string, mustEnd: (connection: Connection) => boolean): void {
    for (const connection of this.connections.of(userId).filter(mustEnd)) this.terminate(connection);
  }

  private supersedeWhere(userId: string, isOlder: (connection: Connection) => boolean): void {
    for (const connection of this.connections.of(userId).filter(isOlder)) {
      connection.sendGoaway('superseded', SUPERSEDED_RETRY_MS);
      this.close(connection);
    }
  }

  private close(connection: Connection): void {
    this.presence.unregister(connection);
    connection.transport?.disconnect();
  }
}
