import { Injectable, type OnModuleInit } from '@nestjs/common';
import { MailboxStore } from '../../mailbox/mailbox.store.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { CatchUpService } from '../admission/catch-up.service.js';
import { ConnectionRegistryService } from '../connection/connection-registry.service.js';
import { gapFound } from '../connection/local-delivery.service.js';

/** Users whose mailboxes are compared with their connections by one statement. */
const USERS_PER_STATEMENT = 1_000;

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
  ) {}

  onModuleInit(): void {
    this.bus.subscribe(gapFound, (connection) => this.catchUp.fillGap(connection));
  }

  /** Compares every connection with its mailbox and fills the gaps. Throws when the mailboxes cannot be read. */
  async fillAll(): Promise<void> {
    const users = [...this.connections.users()];
    for (let start = 0; start < users.length; start += USERS_PER_STATEMENT) {
      const heads = await this.mailbox.readHeads(users.slice(start, start + USERS_PER_STATEMENT));
      const behind = [...heads].flatMap(([userId, head]) =>
        this.connections.of(userId).filter(({ outbound }) => outbound.isBehind(head)),
      );
      await Promise.all(behind.map((connection) => this.catchUp.fillGap(connection)));
    }
  }
}
