import { ProcessorUnavailable, SubscriptionUnknown } from '../processors/processor.js';
import { SubscriptionTaken } from '../subscriptions/update-rules.js';

/** Why a webhook was not applied, and how long it is tried again. */
export interface WebhookFailure {
  readonly reason: string;
  /** The longest pause between two attempts, in seconds; the first one is 2 s, and each is twice the one before. */
  readonly maxPauseSeconds: number;
  /** After so many attempts it is ignored. Without it there is no last attempt. */
  readonly maxAttempts?: number;
}

/**
 * A processor that is away comes back, after an hour or a weekend, and nothing else brings a first purchase at Google: so no attempt is the
 * last one. A fault of our own ends with the next release, so it is never the last one either, only rarer. But a subscription that the
 * processor does not know, hours after its own webhook named it, is none of ours; another app's, or a test's.
 */
export function failureOf(error: unknown): WebhookFailure {
  if (error instanceof ProcessorUnavailable) return { reason: 'processor_unavailable', maxPauseSeconds: 300 };
  if (error instanceof SubscriptionTaken) return { reason: 'subscription_taken', maxPauseSeconds: 300 };
  if (error instanceof SubscriptionUnknown)
    return { reason: 'unknown_at_processor', maxPauseSeconds: 3_600, maxAttempts: 20 };
  return { reason: error instanceof Error ? error.name : 'unknown', maxPauseSeconds: 3_600 };
}
