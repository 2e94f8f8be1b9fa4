import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose';
import { LeaseRefused } from './errors.js';
import type { JwksCache } from './jwks-cache.js';

/** The contents of a verified lease. */
export interface Lease {
  readonly token: string;
  readonly streamId: string;
  readonly userId: string;
  readonly deviceId: string;
  /** The version of the membership that it was issued for. */
  readonly version: number;
  /** What the plan allows: `{ streaming, maxStreams, maxQuality, downloads, ads }`. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** By Usher's clock, in ms since 1970. */
  readonly issuedAt: number;
  /** By Usher's clock, in ms since 1970. */
  readonly expiresAt: number;
}

/** Never `none`, and never a symmetric algorithm: the public key must not serve as an HMAC secret. */
const ALGORITHMS = ['EdDSA'];
const MAX_LENGTH = 8_192;

/** Verifies a lease offline, once the keys are known: by default as of now, by this machine's clock. Throws LeaseRefused. */
export async function verifyLease(token: string, jwks: JwksCache, asOf?: Date): Promise<Lease> {
  const key = await jwks.getKey(readKeyId(token));
  if (!key) throw new LeaseRefused('forged');
  const options = {
    algorithms: ALGORITHMS,
    requiredClaims: ['sub', 'sid', 'did', 'ver', 'cap', 'iat', 'exp'],
    ...(asOf && { currentDate: asOf }),
  };
  const { payload } = await jwtVerify(token, key, options).catch((error: unknown) => {
    throw new LeaseRefused(error instanceof errors.JWTExpired ? 'expired' : 'forged', { cause: error });
  });
  return toLease(token, payload);
}

/**
 * Verifies a lease that Usher has sent just now, as of when it was issued: its lifetime is counted from the request, and a clock that is ahead
 * must not make it look expired. Throws LeaseRefused.
 */
export function verifyNewLease(token: string, jwks: JwksCache): Promise<Lease> {
  return verifyLease(token, jwks, new Date(readIssuedAt(token) * 1_000));
}

/** Throws LeaseRefused if the token is not a JWT that says when it was issued. */
function readIssuedAt(token: string): number {
  try {
    const { iat } = decodeJwt(token);
    if (typeof iat === 'number') return iat;
  } catch (error) {
    throw new LeaseRefused('malformed', { cause: error });
  }
  throw new LeaseRefused('malformed');
}

/** Throws LeaseRefused if the token is not a JWT with an accepted algorithm and a key id. */
function readKeyId(token: string): string {
  if (token.length > MAX_LENGTH) throw new LeaseRefused('malformed');
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    if (alg !== undefined && ALGORITHMS.includes(alg) && typeof kid === 'string') return kid;
  } catch (error) {
    throw new LeaseRefused('malformed', { cause: error });
  }
  throw new LeaseRefused('forged');
}

function toLease(token: string, { sub, sid, did, ver, cap, iat, exp }: JWTPayload): Lease {
  const isComplete =
    typeof sub === 'string' &&
    typeof sid === 'string' &&
    typeof did === 'string' &&
    typeof ver === 'number' &&
    typeof cap === 'object' &&
    cap !== null &&
    typeof iat === 'number' &&
    typeof exp === 'number';
  if (!isComplete) throw new LeaseRefused('malformed');
  return {
    token,
    streamId: sid,
    userId: sub,
    deviceId: did,
    version: ver,
    capabilities: cap as Readonly<Record<string, unknown>>,
    issuedAt: iat * 1_000,
    expiresAt: exp * 1_000,
  };
}
