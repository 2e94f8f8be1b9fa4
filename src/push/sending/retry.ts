import type { Push, PushSettlement } from '../queue/push.js';
import type { SendResult } from '../providers/push-provider.js';

const FIRST_MS = 1_000;
const LONGEST_MS = 5 * 60_000;
/** While our credentials are wrong every try fails; somebody must be woken, and then it may all go out. */
const OUR_FAULT_MS = 60_000;

/** Full jitter (AWS Architecture Blog, "Exponential Backoff and Jitter"): devices of one failure do not come back together. */
export const backoffMs = (attempts: number, random: () => number = Math.random): number =>
  random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempts, 20));

/**
 * What follows from a vendor's verdict. `gone` is decided by whoever knows whether the address was registered since, so it is not
 * among them. A retry that would come after the push expires ends it.
 */
export function toSettlement(
  push: Push,
  verdict: Exclude<SendResult, { is: 'gone' }>,
  now: Date,
): PushSettlement {
  switch (verdict.is) {
    case 'delivered':
      return { state: push.action === 'clear' ? 'cleared' : 'delivered', tried: 1 };
    case 'again':
      // Whoever says when must be heeded, and yet not by all at once.
      return retryLater(push, (verdict.afterMs ?? 0) + backoffMs(push.attempts), now, verdict.reason);
    case 'our_fault':
      return retryLater(push, OUR_FAULT_MS * (1 + Math.random()), now, verdict.reason);
    case 'sender_fault':
      return { state: 'failed', reason: verdict.reason, tried: 1 };
  }
}

export function retryLater(push: Push, dueInMs: number, now: Date, reason: string): PushSettlement {
  if (now.getTime() + dueInMs >= push.expiresAt.getTime()) return { state: 'expired', reason, tried: 1 };
  return { state: 'queued', reason, dueInMs, tried: 1 };
}
