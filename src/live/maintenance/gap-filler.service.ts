import { Injectable, type OnModuleInit } from '@nestjs/common';
import { BroadcastLogWorker } from '../../broadcasts/broadcast-log.worker.js';
import { MailboxStore } from '../../mailbox/mailbox.store.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { CatchUpService } from '../admission/catch-up.service.js';
import { ConnectionRegistryService } from '../connection/connection-registry.service.js';
import { gapFound } from '../delivery/local-delivery.service.js';

/**
 * Has connections read from the mailbox what did not reach them: one when it has a gap, all when messages between nodes
 * were lost.
 */
@Injectable()
export class GapFillerService implements OnModuleInit {
  constructor(
    private readonly bus: EventBusService,
    private readonly mailbox: MailboxStore,
    private readonly connections: ConnectionRegistryService,
    private readonly catchUp: CatchUpService,
    private readonly broadcasts: BroadcastLogWorker,
  ) {}

  onModuleInit(): void {
    this.bus.subscribe(gapFound, (connection) => this.catchUp.fillGap(connection));
  }

  /** The log of broadcasts has changed: it is read soon, and connections are sent what they lack of it. */
  readBroadcasts(): void {
    this.broadcasts.refresh();
  }

  /** Compares the connections of these users with their mailboxes and fills the gaps. Throws when the mailboxes cannot be read. */
  async fill(userIds: readonly string[]): Promise<void> {
    const heads = await this.mailbox.readHeads(userIds);
    const behind = [...heads].flatMap(([userId, head]) =>
      this.connections.of(userId).filter(({ outbound }) => outbound.isBehind(head)),
    );
    await Promise.all(behind.map((connection) => this.catchUp.fillGap(connection)));
  }
}
