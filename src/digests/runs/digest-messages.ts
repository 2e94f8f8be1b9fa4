import type { Transaction } from '../../platform/postgres/database.js';
import type { DurableTier } from '../../platform/tiers.js';

/** A text or mail that tells of a digest's event. */
export interface DigestMessage {
  readonly userId: string;
  readonly eventId: string;
  readonly type: string;
  readonly key: string;
  readonly tier: DurableTier;
  /** The first is tried first; the next one when it fails for good. */
  readonly channels: readonly ['email' | 'sms', ...('email' | 'sms')[]];
  readonly expiresAt: Date;
}

/** Has texts and mails sent; bound in app.module.ts to what a lower folder may not import. */
export interface DigestMessages {
  /** Queues them in somebody's transaction: they are sent if and only if that commits. */
  enqueueOfEvents(tx: Transaction, messages: readonly DigestMessage[]): Promise<void>;
}

/** The token of DigestMessages. */
export const DIGEST_MESSAGES = Symbol('DIGEST_MESSAGES');
