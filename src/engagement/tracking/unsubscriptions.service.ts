import { Injectable, type OnModuleInit } from '@nestjs/common';
import { messageUnsubscribed, type UnsubscribedMessage } from '../../messages/message.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { ClickRecorderService } from './click-recorder.service.js';

/** Counts who unsubscribes by the link of a message, for what the message was counted for. */
@Injectable()
export class UnsubscriptionsService implements OnModuleInit {
  constructor(
    private readonly bus: EventBusService,
    private readonly recorder: ClickRecorderService,
  ) {}

  onModuleInit(): void {
    this.bus.subscribe(messageUnsubscribed, (message) => this.count(message));
  }

  private count({ id, userId, channel, day, tracking }: UnsubscribedMessage): void {
    const at = new Date().toISOString();
    this.recorder.record({
      ...tracking,
      id: `unsubscribe:${id}`,
      messageId: id,
      userId,
      channel,
      day,
      at,
      kind: 'unsubscribed',
    });
  }
}
