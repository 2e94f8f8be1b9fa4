/** The claims that we use of a token whose signature, `aud`, `iss`, `exp` and `nbf` have been checked. */
export interface TokenClaims {
  readonly sub?: unknown;
  readonly exp?: number | undefined;
  readonly iat?: number | undefined;
  readonly jti?: string | undefined;
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

/** Without `sub` a token names no user, without `exp` it never expires. */
export const REQUIRED_CLAIMS = ['sub', 'exp'];

/** The user of a valid token, and what is needed to expire or revoke it. */
export interface UserIdentity {
  readonly userId: string;
  readonly expiresAt: Date;
  /** The token's `iat`, in ms. */
  readonly issuedAt: number | undefined;
  /** The token's `jti`. */
  readonly tokenId: string | undefined;
}
