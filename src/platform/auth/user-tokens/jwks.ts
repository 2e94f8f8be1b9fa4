import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { Problem } from '../../http/problem.js';
import { type ExpectedClaims, REQUIRED_CLAIMS, type TokenVerifier } from './token-claims.js';

/** Never a symmetric one: a public key's text must not serve as a secret. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const FETCH_TIMEOUT_MS = 3_000;

/** Tokens signed with one of the keys at AUTH_JWKS_URL, which are fetched when an unknown one is met. */
export function jwksVerifier(url: string, { audience, issuer }: ExpectedClaims): TokenVerifier {
  const keys = createRemoteJWKSet(new URL(url), { timeoutDuration: FETCH_TIMEOUT_MS });
  const options = {
    algorithms: ALGORITHMS,
    audience,
    requiredClaims: REQUIRED_CLAIMS,
    ...(issuer !== undefined && { issuer }),
  };
  return async (token) => {
    const { payload } = await jwtVerify(token, keys, options).catch((error: unknown) => {
      throw refusal(error);
    });
    return payload;
  };
}

function refusal(error: unknown): Problem {
  if (error instanceof errors.JWTExpired) return new Problem('token_expired');
  if (error instanceof errors.JWKSTimeout)
    return new Problem('unavailable', 'The signing keys cannot be fetched.');
  if (error instanceof errors.JWTClaimValidationFailed)
    return new Problem('token_invalid', `The token's claim "${error.claim}" is not accepted.`);
  // A fetch of the key set that failed is our trouble, not the caller's.
  if (error instanceof TypeError && error.message === 'fetch failed') return new Problem('unavailable');
  return new Problem('token_invalid');
}
