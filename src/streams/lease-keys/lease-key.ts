import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/**
 * A signing key's private part as it is stored. The first byte says how: 0 plain, 1 sealed with AES-256-GCM under a key that
 * is derived from LEASE_KEY_SECRET. A reader of a sealed table, or of its backup, can sign nothing.
 */
const PLAIN = 0;
const SEALED = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Sealed with the first secret; plain when there is none. */
export function sealPrivateKey(privatePart: string, secrets: readonly string[]): Uint8Array<ArrayBuffer> {
  const [secret] = secrets;
  if (secret === undefined) return bytes([Buffer.from([PLAIN]), Buffer.from(privatePart)]);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', sealingKey(secret), nonce);
  const sealed = Buffer.concat([cipher.update(privatePart, 'utf8'), cipher.final()]);
  return bytes([Buffer.from([SEALED]), nonce, cipher.getAuthTag(), sealed]);
}

/** Undefined when none of the secrets opens it. */
export function unsealPrivateKey(stored: Uint8Array, secrets: readonly string[]): string | undefined {
  const rest = stored.subarray(1);
  if (stored[0] === PLAIN) return Buffer.from(rest).toString('utf8');
  for (const secret of secrets) {
    try {
      return open(rest, secret);
    } catch {
      // Another secret sealed it.
    }
  }
  return undefined;
}

function open(sealed: Uint8Array, secret: string): string {
  const decipher = createDecipheriv('aes-256-gcm', sealingKey(secret), sealed.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  const text = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  return text.toString('utf8');
}

const sealingKey = (secret: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', secret, '', 'usher lease key', 32));

const bytes = (parts: readonly Buffer[]): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.concat(parts));

const DAY_MS = 86_400_000;
/** Long past the longest lease (an hour) and the longest grace (a day). */
const KEEP_MS = 2 * DAY_MS;

/** When the successor of a key takes over, in ms; never before everyone could have learned it. */
export const nextActiveFrom = (activeFrom: number, days: number, now: number): number =>
  Math.max(activeFrom + days * DAY_MS, now + DAY_MS);

interface Dated {
  readonly activeFrom: number;
}

/** The key that signs: the newest that is active. Keys are in the order of `activeFrom`. */
export const currentKey = <K extends Dated>(keys: readonly K[], now: number): K | undefined =>
  keys.findLast(({ activeFrom }) => activeFrom <= now);

/** Keys that signed nothing that could still be valid: their successors took over long ago. */
export const expiredKeys = <K extends Dated>(keys: readonly K[], now: number): K[] =>
  keys.filter((_, index) => (keys[index + 1]?.activeFrom ?? Infinity) < now - KEEP_MS);
