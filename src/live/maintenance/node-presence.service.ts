import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { DisconnectRequest } from '../../cluster/node-message.js';
import { NodeRegistryService } from '../../cluster/node-registry.service.js';
import { PresenceStore } from '../../cluster/presence.store.js';
import { NodeRouterService } from '../../cluster/node-router.service.js';
import type { OutgoingEvent } from '../../mailbox/events/outgoing-event.js';
import { MailboxStore } from '../../mailbox/mailbox.store.js';
import { Batcher } from '../../platform/scheduling/batcher.js';
import type { Connection } from '../connection/connection.js';
import { LocalDeliveryService } from '../connection/local-delivery.service.js';

const USERS_AT_ONCE = 1_000;
const END_ATTEMPTS = 20;
const END_RETRY_MS = 500;

/** What the fleet may ask of this node's connections. */
export interface PresenceHandlers {
  /** Reads the mailbox for a device that missed something. */
  fillGap(connection: Connection): Promise<void>;
  disconnect(ending: DisconnectRequest): void;
}

/** This node's place in the fleet: which users are here, what other nodes tell, and what to do when they cannot. */
@Injectable()
export class NodePresenceService {
  private readonly log = new Logger('live');
  /** Users whose entry was written and not taken back. */
  private readonly registered = new Set<string>();
  /** Each user's entry is brought to what is true when its turn comes, so that joins and leaves never overtake each other. */
  private readonly entries = new Batcher<string, undefined>({
    runBatch: async (userIds) => {
      await this.write([...new Set(userIds)]);
      return userIds.map(() => undefined);
    },
    size: 500,
    concurrency: 1,
    capacity: 100_000,
  });

  constructor(
    private readonly nodes: NodeRegistryService,
    private readonly presence: PresenceStore,
    private readonly router: NodeRouterService,
    private readonly channel: LocalDeliveryService,
    private readonly mailbox: MailboxStore,
  ) {}

  join({ fillGap: fillHole, disconnect: end }: PresenceHandlers): Promise<void> {
    return this.nodes.join({
      users: () => this.channel.connections.users(),
      connectedDevices: (userId) => this.channel.connections.of(userId).map(({ deviceId }) => deviceId),
      deliver: (announcements: readonly OutgoingEvent[]) => this.channel.deliver(announcements),
      disconnect: end,
      fillGaps: () => this.fillGaps(fillHole),
    });
  }

  /**
   * Tells the fleet that the user's devices here came or went. Resolves when Redis knows it, or is away: then events from
   * other nodes come by way of the mailbox.
   */
  async update(userId: string): Promise<void> {
    if (this.registered.has(userId) && this.channel.connections.of(userId).length > 0) return;
    await this.entries.add(userId).catch((error: unknown) => {
      this.log.debug(`presence not written: ${String(error)}`);
      this.nodes.requestReregistration();
    });
  }

  /**
   * Asks the other nodes that hold the user's devices to end this one there; again while Redis is away, for a while. What
   * is left then is found by pings, or when its token expires.
   */
  async disconnectElsewhere(ending: DisconnectRequest): Promise<void> {
    for (let attempt = 1; attempt <= END_ATTEMPTS; attempt += 1) {
      const done = await this.router.disconnectElsewhere(ending).then(
        () => true,
        () => false,
      );
      if (done) return;
      await pause(END_RETRY_MS, undefined, { ref: false });
    }
    this.log.warn(`device ${ending.deviceId} may still be connected to another node`);
  }

  private async write(userIds: readonly string[]): Promise<void> {
    const here = userIds.filter((userId) => this.channel.connections.of(userId).length > 0);
    const gone = userIds.filter((userId) => this.channel.connections.of(userId).length === 0);
    for (const userId of gone) this.registered.delete(userId);
    await this.presence.remove(this.nodes.id, gone);
    await this.presence.add(this.nodes.id, here);
    for (const userId of here) this.registered.add(userId);
  }

  /** Every device that is behind its mailbox reads what it missed. */
  private async fillGaps(fillHole: (connection: Connection) => Promise<void>): Promise<void> {
    const users = [...this.channel.connections.users()];
    for (let start = 0; start < users.length; start += USERS_AT_ONCE) {
      const heads = await this.mailbox.readHeads(users.slice(start, start + USERS_AT_ONCE));
      const behind = [...heads].flatMap(([userId, head]) =>
        this.channel.connections.of(userId).filter((connection) => connection.isBehind(head)),
      );
      await Promise.all(behind.map(fillHole));
    }
  }
}
