import { errors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { Problem } from '../../http/problem.js';
import { type ExpectedClaims, requiredClaims, type TokenVerifier } from './token-claims.js';

/** No symmetric algorithm: otherwise a token could be signed with the text of a public key as the secret. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** Returns a verifier of tokens signed with a key at AUTH_JWKS_URL; `findKey` returns it, or throws as JwksCache does. */
export function jwksVerifier(findKey: JWTVerifyGetKey, expected: ExpectedClaims): TokenVerifier {
  const { audience, issuer } = expected;
  const options = {
    algorithms: ALGORITHMS,
    audience,
    requiredClaims: requiredClaims(expected),
    ...(issuer !== undefined && { issuer }),
  };
  return async (token) => {
    const { payload } = await jwtVerify(token, findKey, options).catch((error: unknown) => {
      throw toProblem(error);
    });
    return payload;
  };
}

/** What is not the token's fault stays what it is: an invalid token is one that never becomes valid. */
function toProblem(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) return new Problem('token_expired');
  if (error instanceof errors.JWTClaimValidationFailed)
    return new Problem('token_invalid', `The token's claim "${error.claim}" is not accepted.`);
  return error instanceof errors.JOSEError ? new Problem('token_invalid') : error;
}
