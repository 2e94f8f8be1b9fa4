import { createHash } from 'node:crypto';
import { decrypt, deriveKey, encrypt } from '../../crypto/aes-gcm.js';

/** What names one idempotent call: who asks, with which Idempotency-Key, for what. */
export interface CallName {
  readonly credentials: string;
  readonly key: string;
  readonly route: string;
}

/** A call that may be made again. Who carries it out stores its answer together with its effect: both are there, or neither. */
export class KeyedCall {
  /** What was stored with the effect; undefined until then. */
  answered: string | undefined;
  readonly id: Uint8Array<ArrayBuffer>;

  constructor(
    private readonly name: CallName,
    readonly status: number,
  ) {
    this.id = callId(name);
  }

  /** The answer as it is stored. */
  sealed(answer: unknown): Uint8Array<ArrayBuffer> {
    this.answered = JSON.stringify(answer ?? null);
    return sealAnswer(this.name, this.answered);
  }
}

/** The row's id: a hash, so that neither the service key nor the Idempotency-Key is stored. */
export function callId(name: CallName): Uint8Array<ArrayBuffer> {
  return digest(['id', name.credentials, name.route, name.key]);
}

export function bodyHash(body: string | Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(body).digest());
}

/**
 * Answers may hold a secret (a new service key), so they are stored sealed with a key that only the caller's own
 * credentials and Idempotency-Key can derive: the same call can be answered again, a reader of the table learns nothing.
 */
export function sealAnswer(name: CallName, answer: string): Uint8Array<ArrayBuffer> {
  return encrypt(sealingKey(name), answer);
}

export function unsealAnswer(name: CallName, sealed: Uint8Array): string {
  return decrypt(sealingKey(name), sealed);
}

function sealingKey({ credentials, key, route }: CallName): Uint8Array {
  return deriveKey({ secret: `${credentials}\n${key}`, salt: route, info: 'usher idempotent answer' });
}

function digest(parts: string[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(JSON.stringify(parts)).digest());
}
