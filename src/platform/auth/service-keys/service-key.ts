import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * What a service key can be allowed to do. The first three are for machines: to publish events, to send the nightly file, to run streams.
 * The others are for people, and each includes the ones before it: to look, to help one user, to run the gateway, to give access.
 */
export const SCOPES = ['publish', 'recommendations', 'edge', 'read', 'support', 'operate', 'admin'] as const;
/** One of SCOPES. */
export type Scope = (typeof SCOPES)[number];

const INCLUDED: Partial<Record<Scope, readonly Scope[]>> = {
  support: ['read'],
  operate: ['read', 'support'],
  admin: ['read', 'support', 'operate'],
};

/** Whether the scopes allow a call that needs this one. */
export const hasScope = (scopes: readonly Scope[], needed: Scope): boolean =>
  scopes.some((scope) => scope === needed || INCLUDED[scope]?.includes(needed));

/** Returns the least of the scopes that allows a call that needs this one. Throws when none does. */
export function leastScope(scopes: readonly Scope[], needed: Scope): Scope {
  const least = SCOPES.find((scope) => scopes.includes(scope) && hasScope([scope], needed));
  if (!least) throw new Error(`none of the scopes includes "${needed}"`);
  return least;
}

/** The service key of a call, and what it may do. */
export interface ServiceIdentity {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
}

/** A key is `usk_<id>_<secret>`: the id finds the row, the secret has 256 random bits. Only the key's SHA-256 is stored. */
const FORMAT = /^usk_([A-Za-z0-9]{16})_([A-Za-z0-9_-]{43})$/;

/** Returns a new random key, its id and its hash. */
export function newServiceKey(): { id: string; key: string; hash: Uint8Array<ArrayBuffer> } {
  const id = randomBytes(8).toString('hex');
  const key = `usk_${id}_${randomBytes(32).toString('base64url')}`;
  return { id, key, hash: hashServiceKey(key) };
}

/** Returns the id within a key; undefined when it is not in the format of a key. */
export function serviceKeyId(key: string): string | undefined {
  return FORMAT.exec(key)?.[1];
}

/** SHA-256. A slow password hash is not needed: 256 random bits cannot be guessed. */
export function hashServiceKey(key: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(key).digest());
}

/** Compares two hashes in constant time. */
export function hashesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
