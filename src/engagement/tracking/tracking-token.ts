import { z } from 'zod';
import { decrypt, encrypt } from '../../platform/crypto/aes-gcm.js';

/** What a link or a pixel in a message says: who was sent what, and where the link leads. */
export interface TrackedPlace {
  /** The message. */
  readonly messageId: string;
  /** Which link of it, from 1; 0: the pixel. */
  readonly place: number;
  readonly userId: string;
  /** The day (UTC) on which it was made. */
  readonly day: string;
  readonly channel: string;
  readonly team?: string | undefined;
  readonly campaign?: string | undefined;
  readonly template?: string | undefined;
  /** Where the link leads; a pixel leads nowhere. */
  readonly url?: string | undefined;
}

/** Longer ones are cut off by mail programs and proxies. */
export const MAX_TOKEN = 4_000;

const content = z.strictObject({
  messageId: z.string(),
  place: z.int(),
  userId: z.string(),
  day: z.iso.date(),
  channel: z.string(),
  team: z.string().optional(),
  campaign: z.string().optional(),
  template: z.string().optional(),
  url: z.string().optional(),
});

/** Returns what stands in the address: encrypted and authenticated, so that it tells nobody who was sent it, and leads only where we said. */
export const sealPlace = (place: TrackedPlace, key: Uint8Array): string =>
  Buffer.from(encrypt(key, JSON.stringify(place))).toString('base64url');

/** Returns what the token says; undefined when none of the keys has made exactly this one. */
export function openPlace(token: string, keys: readonly Uint8Array[]): TrackedPlace | undefined {
  if (token.length > MAX_TOKEN || !/^[A-Za-z0-9_-]+$/.test(token)) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  // Base64 has several spellings of the last byte; only the one that we wrote counts.
  if (bytes.toString('base64url') !== token) return undefined;
  for (const key of keys) {
    try {
      return content.parse(JSON.parse(decrypt(key, bytes)));
    } catch {
      // Another key made it, or nobody of us.
    }
  }
  return undefined;
}
