import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { EventBusService } from '../platform/events/event-bus.service.js';
import { pageOf } from '../platform/http/cursor.schema.js';
import { Problem } from '../platform/http/problem.js';
import type { Transaction } from '../platform/postgres/database.js';
import { messagesQueued, type NewMessage } from './message.js';
import type { MessagesQuery, NewMessageBody, PreviewedText } from './messages.schema.js';
import { SmsRoutesService } from './providers/sms-routes.service.js';
import { type ListedMessage, MessageListStore } from './queue/message-list.store.js';
import { MessageStore } from './queue/message.store.js';
import { priceOf, segmentFor } from './segmentation/sender-segmentation.js';

/** What a message says. */
export type MessageWords = Pick<NewMessage, 'subject' | 'text' | 'smsText' | 'html'>;

const DAY_MS = 86_400_000;
/** No message is of use for longer, so that none is queued for ever. */
const MAX_DAYS = 7;

/** Queues texts and mails, and says what became of them. */
@Injectable()
export class MessagesService {
  private readonly maxParts: number;

  constructor(
    private readonly store: MessageStore,
    private readonly listed: MessageListStore,
    private readonly routes: SmsRoutesService,
    private readonly bus: EventBusService,
    @Inject(CONFIG) config: Config,
  ) {
    this.maxParts = config.SMS_MAX_PARTS;
  }

  /**
   * Queues the message in somebody's transaction, and returns its id: it is sent if and only if that commits. Throws Problem
   * invalid_request for a text of too many parts.
   */
  async enqueue(tx: Transaction, message: NewMessage): Promise<string> {
    if (message.channels.includes('sms')) this.checkParts(message.smsText ?? message.text);
    const id = await this.store.enqueue(tx, message);
    tx.afterCommit(() => this.bus.publish(messagesQueued, message.tier));
    return id;
  }

  /** Returns how a text would be sent, and what it would cost. */
  preview({ text, to }: PreviewedText) {
    const { encoding, units, parts } = segmentFor(text, { joins: true });
    const senders = (to === undefined ? [] : (this.routes.find(to)?.senders ?? [])).map((one) => {
      const segmented = segmentFor(text, one);
      const { provider, sender } = one;
      const price = priceOf(segmented, one);
      return { provider, sender, parts: segmented.parts.length, price, currency: this.routes.currency };
    });
    return { encoding, units, parts, isTooLong: parts.length > this.maxParts, senders };
  }

  /** Returns a page of the user's messages, the newest first; `next` is the `before` of the next page. */
  async list(
    userId: string,
    { before, limit }: MessagesQuery,
  ): Promise<{ messages: ListedMessage[]; next?: string }> {
    const rows = await this.listed.list(userId, before, limit + 1);
    const { page, ...next } = pageOf(rows, limit, ({ createdAt, id }) => [createdAt, id]);
    return { messages: page, ...next };
  }

  private checkParts(text: string): void {
    const { parts } = segmentFor(text, { joins: true });
    if (parts.length <= this.maxParts) return;
    throw new Problem(
      'invalid_request',
      `text: takes ${parts.length} parts, of which at most ${this.maxParts} are sent`,
      { parts: parts.length, maxParts: this.maxParts },
    );
  }
}

/**
 * Returns the message that a back office wants to be sent, in its own words or those of its template. Throws Problem invalid_request when its
 * end is past or too far away.
 */
export function messageOf(
  { userId, channels, tier, category, tracking, ...body }: NewMessageBody,
  words: MessageWords,
  now: Date,
): NewMessage {
  const expiresAt =
    body.expiresAt === undefined ? new Date(now.getTime() + DAY_MS) : new Date(body.expiresAt);
  const inMs = expiresAt.getTime() - now.getTime();
  if (inMs <= 0 || inMs > MAX_DAYS * DAY_MS)
    throw new Problem('invalid_request', `expiresAt: must be in the future, within ${MAX_DAYS} days`);
  return {
    userId,
    channels: channels as [NewMessage['channels'][0]],
    tier,
    category,
    ...words,
    tracking: tracking && { ...tracking, template: body.template?.name },
    expiresAt,
  };
}
