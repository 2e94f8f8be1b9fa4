import { Inject, Injectable } from '@nestjs/common';
import { builtInEvent, type Envelope, type NewDurableEvent } from '../../mailbox/events/event.js';
import {
  EVENT_MESSAGES,
  type EventMessages,
  type NewEventMessage,
} from '../../mailbox/events/event-messages.js';
import { MailboxService } from '../../mailbox/mailbox.service.js';
import type { Transaction } from '../../platform/postgres/database.js';
import type { CampaignChannel } from '../campaign.js';
import type { CampaignData } from './campaign-content.js';

/** A text or mail is of no use for longer after it was queued, however long the campaign is. */
const OF_USE_MS = 86_400_000;

/** What is said to one member, and how. */
export interface MemberMessage {
  readonly userId: string;
  readonly channel: CampaignChannel;
  /** Of a member who gets a text or mail: these, one after the other. */
  readonly messages: readonly ('email' | 'sms')[];
  readonly data: CampaignData;
}

/** Publishes what campaigns say: an event for each member, and a text or mail for those who get one. */
@Injectable()
export class CampaignPublisherService {
  constructor(
    private readonly mailbox: MailboxService,
    @Inject(EVENT_MESSAGES) private readonly messages: EventMessages,
  ) {}

  /** Publishes in somebody's transaction: nothing is sent unless it commits. Returns the ids of the events in order. */
  async publish(tx: Transaction, all: readonly MemberMessage[], expiresAt: Date): Promise<string[]> {
    const envelopes = await this.mailbox.append(
      tx,
      all.map((one) => eventOf(one, expiresAt)),
    );
    const of = new Date(Math.min(expiresAt.getTime(), Date.now() + OF_USE_MS));
    const messages = all.flatMap((one, n): NewEventMessage[] => messagesOf(one, envelopes[n], of));
    if (messages.length > 0) await this.messages.enqueueOfEvents(tx, messages);
    return envelopes.map(({ id }) => id);
  }
}

function eventOf({ userId, channel, data }: MemberMessage, expiresAt: Date): NewDurableEvent {
  const event = builtInEvent('campaign.message', { userId, data, expiresAt });
  // A test must not take the place of the campaign.
  return { ...event, ...(data.isTest && { key: `${event.key}:test` }), isPushed: channel === 'push' };
}

function messagesOf(
  { userId, messages: [first, ...later], data }: MemberMessage,
  envelope: Envelope | undefined,
  expiresAt: Date,
): NewEventMessage[] {
  if (!envelope || first === undefined) return [];
  const { id: eventId, type, key } = envelope;
  const channels = [first, ...later] as const;
  const message = { userId, eventId, type, key, tier: 'important', channels, expiresAt } as const;
  if (data.isTest) return [message];
  const { campaign, template } = data;
  return [{ ...message, campaignId: campaign, tracking: { campaign, template: template.name } }];
}
