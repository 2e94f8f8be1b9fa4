import { Injectable } from '@nestjs/common';
import type { EventMessages, NewEventMessage } from '../mailbox/events/event-messages.js';
import { EventBusService } from '../platform/events/event-bus.service.js';
import type { Transaction } from '../platform/postgres/database.js';
import { messagesQueued } from './message.js';
import { MessageStore } from './queue/message.store.js';

/** Queues the texts and mails that tell of events. */
@Injectable()
export class EventMessagesService implements EventMessages {
  constructor(
    private readonly store: MessageStore,
    private readonly bus: EventBusService,
  ) {}

  /** Queues them in somebody's transaction: they are sent if and only if that commits. */
  async enqueueOfEvents(tx: Transaction, messages: readonly NewEventMessage[]): Promise<void> {
    await this.store.enqueueOfEvents(tx, messages);
    tx.afterCommit(() => this.bus.publish(messagesQueued, 'important'));
  }
}
