import type { Action, Status } from '../membership.js';

/** A webhook whose signature was verified. */
export interface VerifiedWebhook {
  readonly eventId: string;
  readonly type: string;
  readonly createdAt: Date;
  /** What was said, as JSON: the body as it came, or what was signed within it. */
  readonly payload: string;
}

/** What a processor says of one subscription. */
export interface SubscriptionUpdate {
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
  /** A former subscription that this one stands in for; it has ended. */
  readonly replaces?: string | undefined;
  /** The processor's object, kept to settle ties and to carry out changes. */
  readonly object: Record<string, unknown>;
  /** Whether this word came after the stored object, when both are of the same second. */
  follows(stored: Record<string, unknown>): boolean;
}

/** A payment for a subscription did not go through. */
export interface PaymentFailure {
  readonly about: 'payment_failed';
  readonly subscriptionId: string;
  readonly customerId: string;
  readonly asOf: Date;
}

/** Something happened to a subscription, and the webhook does not say enough: only who asks the processor learns what. */
export interface SubscriptionHint {
  readonly about: 'hint';
  readonly subscriptionId: string;
}

/** Something that changes no membership, or that nobody here understands. */
export interface UnrelatedUpdate {
  readonly about: 'other';
  readonly reason?: string;
}

export type ProcessorUpdate = SubscriptionUpdate | PaymentFailure | SubscriptionHint | UnrelatedUpdate;

export type WebhookHeaders = Readonly<Record<string, string | string[] | undefined>>;

/**
 * A payment processor's dialect. `verify` trusts nothing before the signature fits and throws Problem signature_invalid,
 * signature_stale, malformed_json, invalid_request or not_configured; `read` understands a verified payload, never throws
 * for one that it does not understand, and never widens access for what it does not know.
 */
export interface Processor {
  readonly name: string;
  /** Undefined where it cannot be asked: not configured here, or it has nothing of the kind. */
  readonly api?: ProcessorClient | undefined;
  verify(body: Buffer, headers: WebhookHeaders): VerifiedWebhook | Promise<VerifiedWebhook>;
  read(payload: unknown): ProcessorUpdate;
}

/** Asking the processor itself. Every call ends within seconds, and throws ProcessorUnavailable when nothing is known. */
export interface ProcessorClient {
  /** The subscription as it is now; undefined when the processor knows none of that id. */
  fetch(subscriptionId: string): Promise<SubscriptionUpdate | undefined>;
  /** All subscriptions, ended ones too, a page at a time. Undefined where it has no such list, or gives none. */
  list?(cursor: string | undefined): Promise<SubscriptionPage | undefined>;
  /** Undefined where users cannot change anything through us. */
  change?(order: ChangeOrder): Promise<void>;
}

export interface SubscriptionPage {
  readonly updates: readonly SubscriptionUpdate[];
  /** Undefined on the last page. */
  readonly next: string | undefined;
}

/** A legal change, to be carried out once however often it is ordered with the same key. */
export interface ChangeOrder {
  readonly idempotencyKey: string;
  readonly action: Action;
  readonly subscriptionId: string;
  /** The processor's object, as it was known when the change was ordered. */
  readonly object: Record<string, unknown>;
  /** The price ids of the plan it has, and of the one to change to, in the back office's order. */
  readonly fromPrices: readonly string[];
  readonly toPrices: readonly string[];
}

/** The processor did not answer, or not in a way that says anything. The same may succeed later. */
export class ProcessorUnavailable extends Error {}

/** The processor will not do it. The message is for people. */
export class ChangeRefused extends Error {}
