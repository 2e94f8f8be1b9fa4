import { createHash } from 'node:crypto';
import type { PushMessage } from '../push-message.js';

/** RFC 8030 §5.4: at most 32 characters of base64url. */
const TOPIC_LENGTH = 32;
/** The plaintext that every push service takes (RFC 8291 §4: 4096 with 86 of header, 16 of tag and 1 of padding). */
export const MAX_PLAINTEXT_BYTES = 3_993;
/** Four weeks: push services keep a message no longer. */
const MAX_TTL_SECONDS = 28 * 86_400;

/** The JSON for the service worker: `{ title?, body?, badge?, tag?, data }`. */
export function toPayload({ show, data, badge, collapseId }: PushMessage): string {
  const text = show === 'background' ? {} : { title: show.title, body: show.body };
  return JSON.stringify({
    ...text,
    ...(badge !== undefined && { badge }),
    ...(collapseId !== undefined && { tag: collapseId }),
    data,
  });
}

/**
 * The RFC 8030 headers of a message. The topic is a hash, so that the push service learns nothing from it.
 *
 * @param now Unix time in milliseconds
 */
export function toHeaders(
  { urgency, collapseId, expiresAt }: PushMessage,
  now: number,
): Record<string, string> {
  const seconds = expiresAt ? Math.ceil((expiresAt.getTime() - now) / 1_000) : MAX_TTL_SECONDS;
  return {
    ttl: String(Math.min(Math.max(seconds, 0), MAX_TTL_SECONDS)),
    urgency,
    ...(collapseId !== undefined && { topic: topicOf(collapseId) }),
  };
}

const topicOf = (id: string): string =>
  createHash('sha256').update(id).digest('base64url').slice(0, TOPIC_LENGTH);
