import { backoffMs } from '../../platform/sending/backoff.js';
import type { SendResult } from '../../platform/sending/send-result.js';
import type { Push, PushSettlement } from '../queue/push.js';

/** While our credentials are wrong each try fails. Once an operator has corrected them, the pushes go out within two minutes. */
const MISCONFIGURED_RETRY_MS = 60_000;

/**
 * How a push is settled after a provider's result. `unregistered` is not among them: it depends on whether the address was registered
 * again since, which the caller finds out.
 */
export function toSettlement(
  push: Push,
  result: Exclude<SendResult, { is: 'unregistered' }>,
  now: Date,
): PushSettlement {
  switch (result.is) {
    case 'delivered':
      return { state: push.action === 'clear' ? 'cleared' : 'delivered', tried: 1 };
    case 'retry':
      // Never before the time that the provider named, and spread after it.
      return retryLater(push, (result.afterMs ?? 0) + backoffMs(push.attempts), now, result.reason);
    case 'misconfigured':
      return retryLater(push, MISCONFIGURED_RETRY_MS * (1 + Math.random()), now, result.reason);
    case 'rejected':
      return { state: 'failed', reason: result.reason, tried: 1 };
  }
}

/** Queues the push again. A push that expires before then is settled as expired. */
export function retryLater(push: Push, dueInMs: number, now: Date, reason: string): PushSettlement {
  if (now.getTime() + dueInMs >= push.expiresAt.getTime()) return { state: 'expired', reason, tried: 1 };
  return { state: 'queued', reason, dueInMs, tried: 1 };
}
