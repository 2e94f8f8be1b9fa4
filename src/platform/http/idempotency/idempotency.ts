import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

/** What identifies an idempotent call: who makes it, with which Idempotency-Key, to which route. */
export interface CallName {
  readonly credentials: string;
  readonly key: string;
  readonly route: string;
}

/**
 * A call with an Idempotency-Key. A service that writes may store the response in the transaction of its effects, so that
 * both are there or neither.
 */
export class IdempotentCall {
  /** The JSON that `seal` was given last; undefined until then. */
  storedBody: string | undefined;
  readonly id: Uint8Array<ArrayBuffer>;

  /** `status` is the HTTP status of the response if the call succeeds. */
  constructor(
    private readonly name: CallName,
    readonly status: number,
  ) {
    this.id = callId(name);
  }

  /** Returns the encrypted response body, to be stored with the call's effects. */
  seal(body: unknown): Uint8Array<ArrayBuffer> {
    this.storedBody = JSON.stringify(body ?? null);
    return sealResponse(this.name, this.storedBody);
  }
}

/** Returns the row's id: a hash, so that neither the credentials nor the Idempotency-Key are stored. */
export function callId(name: CallName): Uint8Array<ArrayBuffer> {
  return sha256(JSON.stringify(['id', name.credentials, name.route, name.key]));
}

/** Returns the hash by which a repeated call with another body is recognised. */
export function bodyHash(body: string | Buffer): Uint8Array<ArrayBuffer> {
  return sha256(body);
}

/**
 * Encrypts a response (AES-256-GCM), since it may hold a secret, such as a new service key. The key is derived from the
 * caller's credentials and Idempotency-Key, which are not stored: the same call can be given the response again, a reader of
 * the table cannot decrypt it.
 */
export function sealResponse(name: CallName, json: string): Uint8Array<ArrayBuffer> {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', encryptionKey(name), nonce);
  const encrypted = Buffer.concat([cipher.update(json, 'utf8'), cipher.final()]);
  return new Uint8Array(Buffer.concat([nonce, cipher.getAuthTag(), encrypted]));
}

/** Decrypts what `sealResponse` returned. Throws when the call is another one. */
export function unsealResponse(name: CallName, sealed: Uint8Array): string {
  const decipher = createDecipheriv('aes-256-gcm', encryptionKey(name), sealed.subarray(0, 12));
  decipher.setAuthTag(sealed.subarray(12, 28));
  return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8');
}

function encryptionKey({ credentials, key, route }: CallName): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', `${credentials}\n${key}`, route, 'usher idempotent answer', 32));
}

function sha256(data: string | Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(data).digest());
}
