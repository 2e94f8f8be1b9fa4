import { createVerifier, TokenError } from 'fast-jwt';
import { Problem } from '../../http/problem.js';
import {
  type ExpectedClaims,
  REQUIRED_CLAIMS,
  type TokenVerifier,
  type TokenClaims,
} from './token-claims.js';

/**
 * Tokens signed with AUTH_JWT_SECRET: HS256 and nothing else, never `none`. Checked here and now: WebCrypto, which jose uses,
 * hands each signature to another thread and back, which was a sixth of a connect's CPU (bench/README.md).
 */
export function sharedSecretVerifier(secret: string, { audience, issuer }: ExpectedClaims): TokenVerifier {
  const verify = createVerifier({
    key: secret,
    algorithms: ['HS256'],
    allowedAud: audience,
    requiredClaims: REQUIRED_CLAIMS,
    ...(issuer !== undefined && { allowedIss: issuer }),
  });
  return (token) => {
    try {
      return verify(token) as TokenClaims;
    } catch (error) {
      throw refusal(error);
    }
  };
}

/** The library's messages name claims and never their values. */
function refusal(error: unknown): unknown {
  if (!(error instanceof TokenError)) return error;
  const { codes } = TokenError;
  if (error.code === codes.expired) return new Problem('token_expired');
  if (error.code === codes.invalidClaimValue || error.code === codes.missingRequiredClaim)
    return new Problem('token_invalid', error.message);
  return new Problem('token_invalid');
}
