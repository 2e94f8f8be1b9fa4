import { at } from './say-instant.js';

/** The text or mail that tells of an event, and what became of it (messages/queue/message.fragments.ts). */
export interface MessageOutcome {
  readonly id: string;
  readonly channel: string;
  readonly laterChannels: readonly string[];
  /** It follows a push, unless a device confirms the event. */
  readonly isFallback: boolean;
  readonly state: string;
  readonly reason: string | null;
  readonly provider: string | null;
  readonly queuedAt: string;
  readonly dueAt: string;
  readonly sentAt: string | null;
  readonly settledAt: string | null;
}

/** Says in a sentence or two what became of the text or mail, and what to do: for somebody in support who knows nothing of Usher. */
export function explainMessage(message: MessageOutcome, now: string): string {
  const { channel, state, reason, sentAt } = message;
  const kind = channel === 'sms' ? 'text' : 'mail';
  switch (state) {
    case 'queued':
    case 'sending':
      return explainQueued(message, kind, now);
    case 'sent':
      return `A ${kind} was sent${at(sentAt)}, and the provider took it; it has not reported that it arrived.`;
    case 'delivered':
      return `A ${kind} was sent${at(sentAt)}, and arrived.`;
    case 'failed':
      return `A ${kind} could not be sent: ${FAILED[reason ?? ''] ?? `the provider refuses it (${reason ?? 'for no reason that it gave'})`}.`;
    default:
      return `No ${kind} was sent: ${WITHDRAWN[reason ?? ''] ?? reason ?? 'it was withdrawn'}.`;
  }
}

function explainQueued(
  { isFallback, reason, dueAt, laterChannels }: MessageOutcome,
  kind: string,
  now: string,
): string {
  const then = laterChannels.length > 0 ? ', and if that fails by the next channel' : '';
  if (reason === 'quiet_hours') return `A ${kind} waits for the end of the user’s quiet hours${at(dueAt)}.`;
  if (reason !== null)
    return `A ${kind} waits (${reason}), and is tried${dueAt > now ? at(dueAt) : ' within seconds'}${then}.`;
  if (isFallback && dueAt > now)
    return `If no device confirms the event, a ${kind} follows the push${at(dueAt)}${then}.`;
  return `A ${kind} is about to be sent${then}.`;
}

const WITHDRAWN: Readonly<Record<string, string>> = {
  received: 'a device has confirmed the event, so nothing had to follow the push',
  superseded: 'a newer event took its place, of which one may follow',
  preference: 'the user does not want any of this category, or only in a digest',
  opted_out: 'the address wants no such messages (STOP, or a link to unsubscribe)',
  no_address: 'the user’s contact has no address for it',
  not_verified: 'the user’s address is not verified',
  user_cap: 'the user has had as many as may be sent in a day',
  expired: 'it could not be sent while it was of use',
};

const FAILED: Readonly<Record<string, string>> = {
  no_words: 'neither its template nor its data has words for it; publish a template of its type',
  no_route: 'no route leads to the number (SMS_ROUTES)',
  not_configured: 'the channel is not set up here',
  too_many_parts: 'it takes more parts than are sent (SMS_MAX_PARTS)',
  internal: 'Usher failed; its log says why',
};
