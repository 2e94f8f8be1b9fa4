import { createVerifier, TokenError } from 'fast-jwt';
import { Problem } from '../../http/problem.js';
import { type ExpectedClaims, requiredClaims, type TokenClaims, type TokenVerifier } from './token-claims.js';

/**
 * Returns a verifier of tokens signed with AUTH_JWT_SECRET, by HS256 only. It uses fast-jwt, which is synchronous: jose uses
 * WebCrypto, which passes each signature to another thread and back, a sixth of a connect's CPU time (bench/README.md).
 */
export function sharedSecretVerifier(secret: string, expected: ExpectedClaims): TokenVerifier {
  const { audience, issuer } = expected;
  const verify = createVerifier({
    key: secret,
    algorithms: ['HS256'],
    allowedAud: audience,
    requiredClaims: requiredClaims(expected),
    ...(issuer !== undefined && { allowedIss: issuer }),
  });
  return (token) => {
    try {
      return verify(token) as TokenClaims;
    } catch (error) {
      throw toProblem(error);
    }
  };
}

/** The library's messages may be sent to the caller: they name claims and never their values. */
function toProblem(error: unknown): unknown {
  if (!(error instanceof TokenError)) return error;
  const { codes } = TokenError;
  if (error.code === codes.expired) return new Problem('token_expired');
  if (error.code === codes.invalidClaimValue || error.code === codes.missingRequiredClaim)
    return new Problem('token_invalid', error.message);
  return new Problem('token_invalid');
}
