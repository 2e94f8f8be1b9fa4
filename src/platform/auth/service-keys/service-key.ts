import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export const SCOPES = ['publish', 'recommendations', 'edge', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** What a service key may do. */
export interface ServiceIdentity {
  readonly id: string;
  readonly scopes: readonly Scope[];
}

/** A key reads `usk_<id>_<secret>`: the id finds the row, the secret (256 random bits) is stored only as its SHA-256. */
const FORM = /^usk_([A-Za-z0-9]{16})_([A-Za-z0-9_-]{43})$/;

export function newServiceKey(): { id: string; key: string; hash: Uint8Array<ArrayBuffer> } {
  const id = randomBytes(8).toString('hex');
  const key = `usk_${id}_${randomBytes(32).toString('base64url')}`;
  return { id, key, hash: hashOf(key) };
}

export function serviceKeyId(key: string): string | undefined {
  return FORM.exec(key)?.[1];
}

/** 256 bits of randomness need no slow hash. */
export function hashOf(key: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(key).digest());
}

/** In constant time, whatever the lengths. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
