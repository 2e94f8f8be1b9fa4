import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose';
import { LeaseRefused } from './errors.js';
import type { KeySet } from './key-set.js';

/** What a lease says, once it was verified. */
export interface Lease {
  readonly token: string;
  readonly streamId: string;
  readonly userId: string;
  readonly deviceId: string;
  /** The membership's version that it was given for. */
  readonly version: number;
  /** What the plan allows: `{ streaming, maxStreams, maxQuality, downloads, ads }`. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** When it was given and when it ends, by Usher's clock, in ms. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Never `none`, never a symmetric algorithm: the public key must not serve as an HMAC secret. */
const ALGORITHMS = ['EdDSA'];
const MAX_LENGTH = 8_192;

/** Verifies a lease offline. Throws LeaseRefused. */
export async function verifyLease(token: string, keys: KeySet): Promise<Lease> {
  const kid = kidOf(token);
  const key = await keys.find(kid);
  if (!key) throw new LeaseRefused('forged');
  const options = {
    algorithms: ALGORITHMS,
    requiredClaims: ['sub', 'sid', 'did', 'ver', 'cap', 'iat', 'exp'],
  };
  const { payload } = await jwtVerify(token, key, options).catch((error: unknown) => {
    throw new LeaseRefused(error instanceof errors.JWTExpired ? 'expired' : 'forged', { cause: error });
  });
  return read(token, payload);
}

/** Throws LeaseRefused when it is no JWT of an algorithm that we take. */
function kidOf(token: string): string {
  if (token.length > MAX_LENGTH) throw new LeaseRefused('malformed');
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    if (alg !== undefined && ALGORITHMS.includes(alg) && typeof kid === 'string') return kid;
  } catch (error) {
    throw new LeaseRefused('malformed', { cause: error });
  }
  throw new LeaseRefused('forged');
}

function read(token: string, { sub, sid, did, ver, cap, iat, exp }: JWTPayload): Lease {
  const isWhole =
    typeof sub === 'string' &&
    typeof sid === 'string' &&
    typeof did === 'string' &&
    typeof ver === 'number' &&
    typeof cap === 'object' &&
    cap !== null &&
    typeof iat === 'number' &&
    typeof exp === 'number';
  if (!isWhole) throw new LeaseRefused('malformed');
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
