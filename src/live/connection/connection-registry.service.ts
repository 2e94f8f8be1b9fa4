import { Injectable } from '@nestjs/common';
import type { AppliedReport } from '../../cluster/node-message.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import type { Connection } from './connection.js';

/** The devices that are connected to this node, by user. */
@Injectable()
export class ConnectionRegistryService {
  private readonly byUser = new Map<string, Connection[]>();
  private count = 0;

  constructor(metrics: MetricsService) {
    metrics.gauge('connections', 'Devices connected to this node.', 'sum', () => this.count);
    metrics.gauge('connected_users', 'Users with a device on this node.', 'sum', () => this.byUser.size);
    metrics.gauge(
      'unread_bytes',
      'Bytes that devices of this node have not read; the limit for one device is a MiB.',
      'sum',
      () => this.unreadBytes(),
    );
  }

  /** How many devices are connected. */
  get size(): number {
    return this.count;
  }

  /** The ids of the users who have a device here. */
  users(): IterableIterator<string> {
    return this.byUser.keys();
  }

  /** The user's connections, oldest first. Those that come are added to the list; one that goes stays in it, so whoever walks it misses none. */
  of(userId: string): readonly Connection[] {
    return this.byUser.get(userId) ?? [];
  }

  add(connection: Connection): void {
    const connections = this.byUser.get(connection.userId);
    if (connections) connections.push(connection);
    else this.byUser.set(connection.userId, [connection]);
    this.count += 1;
  }

  /** Removes this very connection, never another one of the same device. Idempotent. */
  remove(connection: Connection): void {
    const { userId } = connection;
    const connections = this.byUser.get(userId);
    if (!connections?.includes(connection)) return;
    // A list of its own: an event may be on its way through the old one, and a polling device that is terminated is removed at once.
    const others = connections.filter((one) => one !== connection);
    if (others.length === 0) this.byUser.delete(userId);
    else this.byUser.set(userId, others);
    this.count -= 1;
  }

  /** The device has applied these events, as it said elsewhere than on its connection. */
  markApplied({ userId, deviceId, eventIds }: AppliedReport): void {
    for (const connection of this.of(userId))
      if (connection.deviceId === deviceId) connection.applied(eventIds);
  }

  /** All connections; copy them before closing any. */
  *all(): Generator<Connection> {
    for (const connections of this.byUser.values()) yield* connections;
  }

  private unreadBytes(): number {
    let bytes = 0;
    for (const { transport } of this.all()) bytes += transport?.bufferedBytes ?? 0;
    return bytes;
  }
}
