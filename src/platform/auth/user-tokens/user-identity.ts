import { Problem } from '../../http/problem.js';
import { userId as userIdSchema } from '../ids.schema.js';
import type { TokenClaims, UserIdentity } from './token-claims.js';

/** How far the clock of the sign-in may be ahead of this node's. */
const CLOCK_SKEW_SECONDS = 60;
/** The latest time that a Date can hold, in seconds since 1970. */
const MAX_SECONDS = 8_640_000_000_000;

/**
 * Returns whose token these claims are of. It may live for `maxSeconds` after it was issued, or after now if it does not say when
 * that was, since a revocation is forgotten after that time. Throws Problem token_invalid, which names a wrong claim and never its
 * value.
 */
export function userIdentity({ sub, exp, iat, jti }: TokenClaims, maxSeconds: number): UserIdentity {
  const { data: userId } = userIdSchema.safeParse(sub);
  if (userId === undefined) throw refused('sub');
  if (!isTime(exp)) throw refused('exp');
  if (iat !== undefined && !isTime(iat)) throw refused('iat');
  const now = Date.now() / 1_000;
  // A revocation refuses what was issued before it.
  if (iat !== undefined && iat > now + CLOCK_SKEW_SECONDS) throw refused('iat');
  if (exp - Math.min(iat ?? now, now) > maxSeconds)
    throw new Problem('token_invalid', 'The token lives longer than AUTH_JWT_MAX_DAYS allows.');
  // A revocation names a token by the text of its `jti`, so a token with a `jti` that is no text could not be revoked.
  if (jti !== undefined && typeof jti !== 'string') throw refused('jti');
  const issuedAt = iat === undefined ? undefined : iat * 1_000;
  return { userId, expiresAt: new Date(exp * 1_000), issuedAt, tokenId: jti };
}

const isTime = (claim: unknown): claim is number =>
  typeof claim === 'number' && Math.abs(claim) <= MAX_SECONDS;

const refused = (claim: string) =>
  new Problem('token_invalid', `The token's claim "${claim}" is not accepted.`);
