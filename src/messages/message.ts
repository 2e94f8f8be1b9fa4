import type { Preferences } from '../devices/preferences/preferences.schema.js';
import { Topic } from '../platform/events/topic.js';
import type { DurableTier } from '../platform/tiers.js';

/** The ways by which people are reached without the app. */
export const MESSAGE_CHANNELS = ['email', 'sms'] as const;
/** One of MESSAGE_CHANNELS. */
export type MessageChannel = (typeof MESSAGE_CHANNELS)[number];

/**
 * A message is `queued`, then `sending` while a worker has it, `sent` once its provider took it, and then what the provider reports.
 * `withdrawn`: we decided against it.
 */
export const MESSAGE_STATES = ['queued', 'sending', 'sent', 'delivered', 'failed', 'withdrawn'] as const;
/** One of MESSAGE_STATES. */
export type MessageState = (typeof MESSAGE_STATES)[number];

/** Messages of this tier were queued: a hint that saves this process the wait for its next look at the table. */
export const messagesQueued = new Topic<DurableTier>('message.queued');

/** What the clicks, opens and delivery of a message are counted for. */
export interface MessageTracking {
  readonly team?: string | undefined;
  readonly campaign?: string | undefined;
  readonly template?: string | undefined;
}

/** A message that is counted, and by whose link somebody unsubscribed. */
export interface UnsubscribedMessage {
  readonly id: string;
  readonly userId: string;
  readonly channel: MessageChannel;
  /** The day (UTC) on which it was queued, as `2026-11-26`. */
  readonly day: string;
  readonly tracking: MessageTracking;
}

/** Somebody unsubscribed by the link of a message that is counted. Told each time that the link is used. */
export const messageUnsubscribed = new Topic<UnsubscribedMessage>('message.unsubscribed');

/** A text or mail that is to be queued. */
export interface NewMessage {
  readonly userId: string;
  /** The first is tried first; the next one when it fails for good. */
  readonly channels: readonly [MessageChannel, ...MessageChannel[]];
  readonly tier: DurableTier;
  /** What users may unsubscribe from. */
  readonly category: string;
  /** Of a mail. */
  readonly subject?: string | undefined;
  readonly text: string;
  /** What a text says, if that is not what a mail says. */
  readonly smsText?: string | undefined;
  /** Of a mail, beside the text. */
  readonly html?: string | undefined;
  /** Set if what people do with it is to be counted. */
  readonly tracking?: MessageTracking | undefined;
  readonly expiresAt: Date;
}

/** The event that a claimed message tells of, and all that decides whether it is sent. */
export interface MessagedEvent {
  readonly id: string;
  readonly type: string;
  /** It follows a push that nobody confirmed, and is withdrawn once somebody does. */
  readonly isFallback: boolean;
  /** Whether a newer event with the same key has replaced it. */
  readonly superseded: boolean;
  readonly data: unknown;
  readonly preferences: Preferences | null;
  /** How far the event got on any device: 0, or the rank of the receipt, 1 to 4 (delivery/receipts/receipt.ts). */
  readonly rank: number;
  readonly timezone: string | null;
  readonly locale: string | null;
}

/** A claimed message, and how its user is reached now (claim-messages.sql). Addresses are encrypted. */
export interface ClaimedMessage {
  readonly id: string;
  readonly userId: string;
  readonly channel: MessageChannel;
  readonly laterChannels: readonly MessageChannel[];
  readonly tier: DurableTier;
  readonly category: string;
  readonly subject: string | null;
  readonly text: string;
  readonly html: string | null;
  readonly tracking: MessageTracking | null;
  readonly expiresAt: Date;
  /** How often it was claimed, this time included. */
  readonly claims: number;
  /** How often it was given to a provider of this channel before. */
  readonly attempts: number;
  /** What the provider calls the parts that it has taken. */
  readonly providerIds: readonly string[];
  /** It was not given to a provider of this channel before. */
  readonly isFirst: boolean;
  readonly address: Uint8Array | null;
  readonly isVerified: boolean | null;
  /** Null for a message that was written by the back office. */
  readonly event: MessagedEvent | null;
}

/** What became of a claimed message. */
export interface MessageSettlement {
  readonly state: MessageState;
  readonly reason?: string | undefined;
  /** When a queued message is due again, in ms from now. */
  readonly dueInMs?: number | undefined;
  /** The channel of a message that is queued for another one, and those after it. */
  readonly channel?: MessageChannel | undefined;
  readonly laterChannels?: readonly MessageChannel[] | undefined;
  /** How often it was given to a provider of its channel, if not as often as was written before it was. */
  readonly attempts?: number | undefined;
  /** What the provider calls the parts that it has taken by now. */
  readonly providerIds?: readonly string[] | undefined;
}

/** A claimed message, and what became of it. */
export type SettledMessage = readonly [message: ClaimedMessage, settlement: MessageSettlement];
