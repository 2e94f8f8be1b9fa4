import { createHmac, timingSafeEqual } from 'node:crypto';

/** Whom a link to unsubscribe is for. */
export interface Unsubscription {
  readonly addressHash: Uint8Array;
  readonly category: string;
  /** The mail that the link is in; links of older versions do not say. */
  readonly messageId?: string | undefined;
}

const HASH_BYTES = 32;
const MAC_BYTES = 16;
const MAX_LENGTH = 300;
/** Between the category and the message; neither has it. */
const SEPARATOR = '\0';

/**
 * Returns what a link to unsubscribe carries: the keyed hash of the address, the category and the message, signed. It names nobody, works as
 * long as the mail is kept, and can do nothing but unsubscribe.
 */
export function signUnsubscription(
  { addressHash, category, messageId }: Unsubscription,
  key: Uint8Array,
): string {
  const text = messageId === undefined ? category : `${category}${SEPARATOR}${messageId}`;
  const content = Buffer.concat([addressHash, Buffer.from(text)]);
  return Buffer.concat([macOf(content, key), content]).toString('base64url');
}

/** Returns what the token says; undefined when none of the keys has signed exactly this. */
export function readUnsubscription(token: string, keys: readonly Uint8Array[]): Unsubscription | undefined {
  if (token.length > MAX_LENGTH || !/^[A-Za-z0-9_-]+$/.test(token)) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  const content = bytes.subarray(MAC_BYTES);
  // Base64 has several spellings of the last byte; only the one that we wrote counts.
  if (content.length <= HASH_BYTES || bytes.toString('base64url') !== token) return undefined;
  const isSigned = keys.some((key) => timingSafeEqual(macOf(content, key), bytes.subarray(0, MAC_BYTES)));
  if (!isSigned) return undefined;
  const [category = '', messageId] = content.subarray(HASH_BYTES).toString('utf8').split(SEPARATOR);
  return { addressHash: content.subarray(0, HASH_BYTES), category, messageId };
}

const macOf = (content: Uint8Array, key: Uint8Array): Buffer =>
  createHmac('sha256', key).update(content).digest().subarray(0, MAC_BYTES);
