import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** AES-256-GCM for what PostgreSQL stores encrypted. The format is 12 bytes of nonce, 16 bytes of tag, then the ciphertext. */
const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** Derives a key for one purpose, which `info` names, with HKDF-SHA-256 (RFC 5869). */
export function deriveKey(from: {
  readonly secret: string;
  readonly salt: string;
  readonly info: string;
}): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', from.secret, from.salt, from.info, KEY_BYTES));
}

/** Encrypts a text under a key of 32 bytes, with a fresh random nonce. */
export function encrypt(key: Uint8Array, text: string): Uint8Array<ArrayBuffer> {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce);
  const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return new Uint8Array(Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]));
}

/** Decrypts what `encrypt` returned. Throws when the key is another one, or when a byte was changed. */
export function decrypt(key: Uint8Array, encrypted: Uint8Array): string {
  const decipher = createDecipheriv(ALGORITHM, key, encrypted.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAuthTag(encrypted.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  const ciphertext = encrypted.subarray(NONCE_BYTES + TAG_BYTES);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
}
