import { createHash } from 'node:crypto';
import { decrypt, deriveKey, encrypt } from '../../crypto/aes-gcm.js';

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
  /** Whether the response gets more than what `seal` is given. Until it has that, the call is in progress, although its effects are committed. */
  isExtended = false;
  readonly id: Uint8Array<ArrayBuffer>;

  /** `status` is the HTTP status of the response if the call succeeds. */
  constructor(
    private readonly name: CallName,
    readonly status: number,
  ) {
    this.id = callId(name);
  }

  /** The status to be stored with the sealed body; null while the call is in progress. */
  get sealedStatus(): number | null {
    return this.isExtended ? null : this.status;
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
  return encrypt(encryptionKey(name), json);
}

/** Decrypts what `sealResponse` returned. Throws when the call is another one. */
export function unsealResponse(name: CallName, sealed: Uint8Array): string {
  return decrypt(encryptionKey(name), sealed);
}

function encryptionKey({ credentials, key, route }: CallName): Uint8Array {
  return deriveKey({ secret: `${credentials}\n${key}`, salt: route, info: 'usher idempotent answer' });
}

function sha256(data: string | Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(data).digest());
}
