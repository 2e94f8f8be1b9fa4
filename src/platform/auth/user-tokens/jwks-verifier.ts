import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { Problem } from '../../http/problem.js';
import { type ExpectedClaims, requiredClaims, type TokenVerifier } from './token-claims.js';

/** No symmetric algorithm: otherwise a token could be signed with the text of a public key as the secret. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const FETCH_TIMEOUT_MS = 3_000;

/** Returns a verifier of tokens signed with a key at AUTH_JWKS_URL. The keys are fetched when a token names an unknown one. */
export function jwksVerifier(url: string, expected: ExpectedClaims): TokenVerifier {
  const { audience, issuer } = expected;
  const keys = createRemoteJWKSet(new URL(url), { timeoutDuration: FETCH_TIMEOUT_MS });
  const options = {
    algorithms: ALGORITHMS,
    audience,
    requiredClaims: requiredClaims(expected),
    ...(issuer !== undefined && { issuer }),
  };
  return async (token) => {
    const { payload } = await jwtVerify(token, keys, options).catch((error: unknown) => {
      throw toProblem(error);
    });
    return payload;
  };
}

function toProblem(error: unknown): Problem {
  if (error instanceof errors.JWTExpired) return new Problem('token_expired');
  if (error instanceof errors.JWKSTimeout)
    return new Problem('unavailable', 'The signing keys cannot be fetched.');
  if (error instanceof errors.JWTClaimValidationFailed)
    return new Problem('token_invalid', `The token's claim "${error.claim}" is not accepted.`);
  // The keys could not be fetched, which is not the caller's fault.
  if (error instanceof TypeError && error.message === 'fetch failed') return new Problem('unavailable');
  return new Problem('token_invalid');
}
