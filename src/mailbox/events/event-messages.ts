import type { Transaction } from '../../platform/postgres/database.js';
import type { DurableTier } from '../../platform/tiers.js';

/** A text or mail that is to tell of an event; its words are made when it is sent. */
export interface NewEventMessage {
  readonly userId: string;
  readonly eventId: string;
  readonly type: string;
  readonly key: string;
  readonly tier: DurableTier;
  /** The first is tried first; the next one when it fails for good. */
  readonly channels: readonly ['email' | 'sms', ...('email' | 'sms')[]];
  readonly expiresAt: Date;
  /** The campaign that it is of. */
  readonly campaignId?: string | undefined;
  /** What its clicks, opens and delivery are counted for; nothing is counted without it. */
  readonly tracking?: { readonly campaign: string; readonly template: string } | undefined;
}

/** Has texts and mails sent; bound in app.module.ts to what features may not import. */
export interface EventMessages {
  /** Queues them in somebody's transaction: they are sent if and only if that commits. */
  enqueueOfEvents(tx: Transaction, messages: readonly NewEventMessage[]): Promise<void>;
}

/** The token of EventMessages. */
export const EVENT_MESSAGES = Symbol('EVENT_MESSAGES');
