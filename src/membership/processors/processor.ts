import type { Budget } from '../../platform/budgets/budget.js';
import { Problem } from '../../platform/http/problem.js';
import type { Action, Status } from '../membership.js';

/** A webhook whose signature was verified. */
export interface VerifiedWebhook {
  readonly eventId: string;
  readonly type: string;
  readonly createdAt: Date;
  /** JSON text: the body as received, or what was signed within it. */
  readonly payload: string;
}

/** The state of one subscription at the processor, as a webhook or its API reports it. */
export interface SubscriptionUpdate {
  readonly kind: 'subscription';
  readonly subscriptionId: string;
  readonly customerId: string;
  /** The user it belongs to, when the processor's object names one. */
  readonly userId: string | undefined;
  readonly status: Status;
  readonly priceIds: readonly string[];
  /** Since when the status holds. */
  readonly effectiveAt: Date;
  /** When it will end unless it is resumed. */
  readonly cancelAt: Date | null;
  /** Final: the processor will never change this subscription again. */
  readonly ended: boolean;
  /** When this was the state, by the processor's clock. */
  readonly asOf: Date;
  /** The id of a former subscription that this one replaces, and which therefore has ended. */
  readonly replaces?: string | undefined;
  /** The processor's own object. It is stored to decide between two updates of the same second, and to execute changes. */
  readonly object: Record<string, unknown>;
  /** Whether this update came after the stored object, when both are dated to the same second. */
  follows(stored: Record<string, unknown>): boolean;
}

/** A payment for a subscription did not go through. */
export interface PaymentFailure {
  readonly kind: 'payment_failure';
  readonly subscriptionId: string;
  readonly customerId: string;
  readonly asOf: Date;
}

/** A subscription changed, but the webhook does not contain its state: it has to be fetched from the processor's API. */
export interface SubscriptionHint {
  readonly kind: 'hint';
  readonly subscriptionId: string;
}

/** A webhook that changes no membership, or that is not understood. */
export interface UnrelatedUpdate {
  readonly kind: 'unrelated';
  /** Why, for operators who list ignored webhooks. */
  readonly reason?: string;
}

/** What a verified webhook means for memberships. */
export type ProcessorUpdate = SubscriptionUpdate | PaymentFailure | SubscriptionHint | UnrelatedUpdate;

/** The HTTP headers of a webhook, with names in lower case. */
export type WebhookHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** One payment processor. Its name is its key in registry.ts. */
export interface Processor {
  /** Undefined when its API cannot be called: it is not configured here, or the processor has none. */
  readonly api?: ProcessorClient | undefined;

  /**
   * Verifies the signature of a webhook; nothing in the body is trusted before. Throws Problem signature_invalid, signature_stale,
   * malformed_json, invalid_request or not_configured.
   */
  verify(body: Buffer, headers: WebhookHeaders): VerifiedWebhook | Promise<VerifiedWebhook>;

  /**
   * Maps a verified payload. Never throws: a payload that is not understood is `unrelated`. Never grants access because of a value
   * that is not known: a user who wrongly loses access complains, one who wrongly gets it does not.
   */
  read(payload: unknown): ProcessorUpdate;

  /** The id by which its webhooks name a customer, where others may write it otherwise; missing where there is one way. */
  canonicalCustomerId?(customerId: string): string;
}

/** A processor's API. Every call ends within seconds; it throws ProcessorUnavailable when there was no usable response. */
export interface ProcessorClient {
  /** How many requests it may be sent. All workers share it, for lookups, changes and reconciliation. */
  readonly budget: Budget;
  /** Subscriptions on one page of `list`; missing where there is no list. */
  readonly listPageSize?: number;
  /** The subscription as it is now; undefined when the processor knows none with that id. */
  fetch(subscriptionId: string): Promise<SubscriptionUpdate | undefined>;
  /** One page of all subscriptions, ended ones included. Missing or undefined when the API has no such list, or refuses it. */
  list?(cursor: string | undefined): Promise<SubscriptionPage | undefined>;
  /** Executes what a user asked for; missing where users cannot change anything from here. Throws ChangeRefused as well. */
  change?(order: ChangeOrder): Promise<void>;
}

/** One page of a processor's list of subscriptions. */
export interface SubscriptionPage {
  readonly updates: readonly SubscriptionUpdate[];
  /** The cursor of the next page; undefined on the last one. */
  readonly next: string | undefined;
}

/** A change that is allowed. It has one effect, however often it is sent with the same key. */
export interface ChangeOrder {
  readonly idempotencyKey: string;
  readonly action: Action;
  readonly subscriptionId: string;
  /** The processor's own object, as stored when the change was sent. */
  readonly object: Record<string, unknown>;
  /** The price ids of the plan it has, in the back office's order. */
  readonly fromPrices: readonly string[];
  /** The price ids of the plan to change to, in the same order; empty for other actions. */
  readonly toPrices: readonly string[];
}

/** The processor did not respond, or with something unusable. The same call may succeed later, however often it failed. */
export class ProcessorUnavailable extends Error {}

/** The processor's budget is used up, so it was not even asked. */
export class ProcessorBusy extends ProcessorUnavailable {}

/** The processor says that it knows no subscription with the id that its own webhook named. */
export class SubscriptionUnknown extends Error {}

/** The processor refuses the change for good. The message is shown to people. */
export class ChangeRefused extends Error {}

/** Parses the JSON of a webhook. Throws Problem malformed_json. */
export function parseWebhookJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem('malformed_json');
  }
}
