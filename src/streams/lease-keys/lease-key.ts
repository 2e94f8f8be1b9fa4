import { decrypt, deriveKey, encrypt } from '../../platform/crypto/aes-gcm.js';

/**
 * The private part of a signing key as it is stored. The first byte names the format: 0 plain text, 1 encrypted under a
 * key derived from LEASE_KEY_SECRET. With only an encrypted table, or its backup, nobody can sign a lease.
 */
const PLAIN = 0;
const ENCRYPTED = 1;

/** Encrypts the private part under the first secret; without a secret it is stored as plain text. */
export function encryptPrivateKey(privatePart: string, secrets: readonly string[]): Uint8Array<ArrayBuffer> {
  const [secret] = secrets;
  return secret === undefined
    ? withFormat(PLAIN, Buffer.from(privatePart))
    : withFormat(ENCRYPTED, encrypt(encryptionKey(secret), privatePart));
}

/** Returns the private part; undefined when none of the secrets decrypts it. */
export function decryptPrivateKey(stored: Uint8Array, secrets: readonly string[]): string | undefined {
  const content = stored.subarray(1);
  if (stored[0] === PLAIN) return Buffer.from(content).toString('utf8');
  for (const secret of secrets) {
    try {
      return decrypt(encryptionKey(secret), content);
    } catch {
      // It was encrypted under another secret.
    }
  }
  return undefined;
}

const encryptionKey = (secret: string): Uint8Array =>
  deriveKey({ secret, salt: '', info: 'usher lease key' });

const withFormat = (format: number, content: Uint8Array): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.concat([Buffer.from([format]), content]));

const DAY_MS = 86_400_000;
/** How long a replaced key stays published: longer than the longest lease (an hour) plus the longest grace (a day). */
const KEEP_MS = 2 * DAY_MS;

/**
 * When the successor of a key takes over, in ms: `days` after the key did, and never less than a day after its
 * publication (`now`), so that edge nodes have fetched it by then.
 */
export const nextActiveFrom = (activeFrom: number, days: number, now: number): number =>
  Math.max(activeFrom + days * DAY_MS, now + DAY_MS);

interface HasActiveFrom {
  readonly activeFrom: number;
}

/**
 * The key that signs at `now`: the newest active one; undefined when none is active. `keys` are in the order of
 * `activeFrom` (ms).
 */
export const currentKey = <Key extends HasActiveFrom>(keys: readonly Key[], now: number): Key | undefined =>
  keys.findLast(({ activeFrom }) => activeFrom <= now);

/**
 * The keys whose leases have all expired, because their successors took over long ago. `keys` are in the order of
 * `activeFrom`.
 */
export const expiredKeys = <Key extends HasActiveFrom>(keys: readonly Key[], now: number): Key[] =>
  keys.filter((_, index) => (keys[index + 1]?.activeFrom ?? Infinity) < now - KEEP_MS);

/** Whether a key is missing or expired: none signs, none is to follow, or one may be deleted. */
export const rotationIsDue = (keys: readonly HasActiveFrom[], now: number): boolean =>
  !currentKey(keys, now) ||
  !keys.some(({ activeFrom }) => activeFrom > now) ||
  expiredKeys(keys, now).length > 0;
