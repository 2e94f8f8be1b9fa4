import type { SendResult } from '../../platform/sending/send-result.js';
import type { ClaimedMessage, MessageSettlement } from '../message.js';

/** A message that still fails after so many attempts fails for good, whenever it expires. */
export const MAX_ATTEMPTS = 12;
/** While our credentials are wrong each attempt fails. Once an operator has corrected them, messages go out within two minutes. */
const MISCONFIGURED_RETRY_MS = 60_000;

/** Reasons of a `retry` that say that the provider did not take the message: another one may, and nobody gets it twice. */
const NOT_TAKEN =
  /^(circuit_open|busy|closing|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|deferred|status_\d+|smtp_\d+)$/;

/** Whether another provider may be asked: this one has not taken the message for certain, and not because of the message. */
export const mayAskAnother = (result: SendResult): boolean =>
  result.is === 'misconfigured' || (result.is === 'retry' && NOT_TAKEN.test(result.reason));

type Channels = Pick<ClaimedMessage, 'laterChannels'>;

/** Ends the message on this channel: it is queued for the next one, or has this state if there is none. */
export function leaveChannel(
  { laterChannels: [next, ...later] }: Channels,
  state: 'failed' | 'withdrawn',
  reason: string,
): MessageSettlement {
  if (next === undefined) return { state, reason };
  return {
    state: 'queued',
    reason,
    channel: next,
    laterChannels: later,
    providerIds: [],
    attempts: 0,
    dueInMs: 0,
  };
}

/** Queues the message again, or ends it when it would be of no use by then or was attempted too often. */
export function sendLater(
  message: Channels & Pick<ClaimedMessage, 'attempts' | 'expiresAt'>,
  dueInMs: number,
  now: Date,
  reason: string,
): MessageSettlement {
  if (now.getTime() + dueInMs >= message.expiresAt.getTime())
    return { state: 'withdrawn', reason: 'expired' };
  if (message.attempts >= MAX_ATTEMPTS) return leaveChannel(message, 'failed', reason);
  return { state: 'queued', reason, dueInMs };
}

/** When a message that a limit of our own refused may come again, in ms from now. */
export interface Turn {
  /** Its place among those that were refused: a promise, which may be too late. */
  readonly waitMs: number;
  /** Nothing is granted before. */
  readonly soonestMs: number;
}

/**
 * Queues a message that a limit of our own refused, which is no attempt. One whose turn comes after it expires tries before, at a time of its own; it
 * ends only when nothing would be granted by then.
 */
export function holdBack(
  { expiresAt }: Pick<ClaimedMessage, 'expiresAt'>,
  { waitMs, soonestMs }: Turn,
  { now, reason, random = Math.random }: { now: Date; reason: string; random?: () => number },
): MessageSettlement {
  const leftMs = expiresAt.getTime() - now.getTime();
  if (soonestMs >= leftMs) return { state: 'withdrawn', reason: 'expired' };
  const dueInMs = waitMs < leftMs ? waitMs : Math.max(soonestMs, (random() * leftMs) / 2);
  return { state: 'queued', reason, dueInMs };
}

/** What becomes of a message of which a provider returned this. `backoff`: milliseconds. */
export function afterResult(
  message: Channels & Pick<ClaimedMessage, 'attempts' | 'expiresAt'>,
  result: Exclude<SendResult, { is: 'delivered' }>,
  { now, backoff }: { now: Date; backoff: number },
): MessageSettlement {
  switch (result.is) {
    case 'retry':
      return sendLater(message, (result.afterMs ?? 0) + backoff, now, result.reason);
    case 'misconfigured':
      return sendLater(message, MISCONFIGURED_RETRY_MS + backoff, now, result.reason);
    case 'unregistered':
    case 'rejected':
      return leaveChannel(message, 'failed', result.reason);
  }
}
