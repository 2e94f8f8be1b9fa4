import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

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
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', sealingKey(name), nonce);
  const sealed = Buffer.concat([cipher.update(answer, 'utf8'), cipher.final()]);
  return new Uint8Array(Buffer.concat([nonce, cipher.getAuthTag(), sealed]));
}

export function unsealAnswer(name: CallName, sealed: Uint8Array): string {
  const decipher = createDecipheriv('aes-256-gcm', sealingKey(name), sealed.subarray(0, 12));
  decipher.setAuthTag(sealed.subarray(12, 28));
  return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8');
}

function sealingKey({ credentials, key, route }: CallName): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', `${credentials}\n${key}`, route, 'usher idempotent answer', 32));
}

function digest(parts: string[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(JSON.stringify(parts)).digest());
}
