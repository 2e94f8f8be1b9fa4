import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { DisconnectRequest } from '../../cluster/node-message.js';
import { NodeRegistryService } from '../../cluster/node-registry.service.js';
import { NodeRouterService } from '../../cluster/node-router.service.js';
import { PresenceStore } from '../../cluster/presence.store.js';
import { NodeFactsService } from '../../platform/node-facts.service.js';
import { Batcher } from '../../platform/scheduling/batcher.js';
import type { Connection } from '../connection/connection.js';
import { ConnectionRegistryService } from '../connection/connection-registry.service.js';

/** While many devices come and go, an update of Redis waits this long for more of them: a request costs more than what it says. */
const SPACING_MS = 10;
/** Ten seconds of attempts. */
const DISCONNECT_ATTEMPTS = 20;
const DISCONNECT_RETRY_MS = 500;

/** Keeps Redis in step with which users have a device connected here, and reaches their devices on other nodes. */
@Injectable()
export class NodePresenceService {
  private readonly log = new Logger('live');
  /** Users whose entry in Redis was written and not removed. */
  private readonly registered = new Set<string>();
  /**
   * Users whose entry may be out of date. Each is brought to what is true when its batch runs, one batch at a time, so that
   * an add and a remove of the same user never overtake each other.
   */
  private readonly updates = new Batcher<string, undefined>({
    runBatch: async (userIds) => {
      await this.write([...new Set(userIds)]);
      return userIds.map(() => undefined);
    },
    size: 500,
    concurrency: 1,
    spacingMs: SPACING_MS,
    capacity: 100_000,
  });

  constructor(
    private readonly connections: ConnectionRegistryService,
    private readonly nodes: NodeRegistryService,
    private readonly presence: PresenceStore,
    private readonly router: NodeRouterService,
    facts: NodeFactsService,
  ) {
    facts.add('sockets', () => connections.size);
  }

  /**
   * Adds the connection, at once on this node. Resolves when Redis knows its user too, or cannot be reached: then events
   * from other nodes are read from the mailbox.
   */
  register(connection: Connection): Promise<void> {
    this.connections.add(connection);
    return this.update(connection.userId);
  }

  /** Closes and removes the connection; Redis forgets its user in the background if it was the last one. Idempotent. */
  unregister(connection: Connection): void {
    connection.close();
    this.connections.remove(connection);
    if (!this.isConnected(connection.userId)) void this.update(connection.userId);
  }

  /**
   * Requests the other nodes that hold the user's devices to disconnect this one, or all; repeats it for ten seconds while Redis is
   * down. What is left then is found by pings, or ends with its token. Never rejects.
   */
  async disconnectElsewhere(request: DisconnectRequest): Promise<void> {
    for (let attempt = 1; attempt <= DISCONNECT_ATTEMPTS; attempt += 1) {
      const isDone = await this.router.disconnectElsewhere(request).then(
        () => true,
        () => false,
      );
      if (isDone) return;
      await pause(DISCONNECT_RETRY_MS, undefined, { ref: false });
    }
    const what = 'deviceId' in request ? `device ${request.deviceId}` : 'a device of an erased user';
    this.log.warn(`${what} may still be connected to another node`);
  }

  private isConnected(userId: string): boolean {
    return this.connections.of(userId).length > 0;
  }

  private async update(userId: string): Promise<void> {
    if (this.registered.has(userId) && this.isConnected(userId)) return;
    await this.updates.add(userId).catch((error: unknown) => {
      this.log.debug(`presence not written: ${String(error)}`);
      this.nodes.requestReregistration();
    });
  }

  private async write(userIds: readonly string[]): Promise<void> {
    const connected = userIds.filter((userId) => this.isConnected(userId));
    const disconnected = userIds.filter((userId) => !this.isConnected(userId));
    for (const userId of disconnected) this.registered.delete(userId);
    await this.presence.remove(this.nodes.id, disconnected);
    await this.presence.add(this.nodes.id, connected);
    for (const userId of connected) this.registered.add(userId);
  }
}
