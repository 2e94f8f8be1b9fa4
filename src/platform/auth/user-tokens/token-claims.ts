/** The claims that we use of a token whose signature, `aud`, `iss`, `exp` and `nbf` have been checked. */
export interface TokenClaims {
  readonly sub?: unknown;
  readonly exp?: unknown;
  readonly iat?: unknown;
  readonly jti?: unknown;
}

/**
 * Returns the claims of a valid token. Throws Problem token_invalid or token_expired; `unavailable` when the keys cannot be
 * fetched.
 */
export type TokenVerifier = (token: string) => TokenClaims | Promise<TokenClaims>;

/** What `aud` and `iss` must be; any issuer is accepted if `issuer` is undefined. */
export interface ExpectedClaims {
  readonly audience: string;
  readonly issuer: string | undefined;
}

/**
 * Returns the claims that a token must have. Without `sub` it names no user, without `exp` it never expires; without `aud` or `iss`
 * it may have been made for another service of the same sign-in. The libraries check the values of the last two, but fast-jwt only
 * when they are there.
 */
export const requiredClaims = ({ issuer }: ExpectedClaims): string[] =>
  issuer === undefined ? ['sub', 'exp', 'aud'] : ['sub', 'exp', 'aud', 'iss'];

/** The user of a valid token, and what is needed to expire or revoke it. */
export interface UserIdentity {
  readonly userId: string;
  readonly expiresAt: Date;
  /** The token's `iat`, in ms. */
  readonly issuedAt: number | undefined;
  /** The token's `jti`. */
  readonly tokenId: string | undefined;
}
