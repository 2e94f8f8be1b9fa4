import type { Status } from './membership.js';

/** A webhook whose signature was verified. */
export interface VerifiedWebhook {
  readonly eventId: string;
  readonly type: string;
  readonly createdAt: Date;
  /** The body, as it came. */
  readonly payload: string;
}

/** What a processor says of one subscription. */
export interface SubscriptionWord {
  readonly about: 'subscription';
  readonly subscriptionId: string;
  readonly customerId: string;
  /** Whose it is, when the processor's object says so. */
  readonly userId: string | undefined;
  readonly status: Status;
  readonly priceIds: readonly string[];
  readonly effectiveAt: Date;
  readonly cancelAt: Date | null;
  readonly ended: boolean;
  readonly asOf: Date;
  /** The processor's object, kept to settle ties. */
  readonly object: Record<string, unknown>;
  /** Whether this word came after the stored object, when both are of the same second. */
  follows(stored: Record<string, unknown>): boolean;
}

/** A payment for a subscription did not go through. */
export interface PaymentFailedWord {
  readonly about: 'payment_failed';
  readonly subscriptionId: string;
  readonly customerId: string;
  readonly asOf: Date;
}

/** Something that changes no membership. */
export interface OtherWord {
  readonly about: 'other';
}

export type Word = SubscriptionWord | PaymentFailedWord | OtherWord;

/**
 * A payment processor's dialect. `verify` trusts nothing before the signature fits and throws Problem signature_invalid,
 * signature_stale or not_configured; `read` understands a verified payload and never widens access for what it does not know.
 */
export interface Processor {
  readonly name: string;
  verify(body: Buffer, headers: Readonly<Record<string, string | string[] | undefined>>): VerifiedWebhook;
  read(payload: unknown): Word;
}
